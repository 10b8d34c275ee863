"""Export of a model: its self-contained folder, ONNX file, model card, and upload to the Hugging Face Hub."""
