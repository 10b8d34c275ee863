"""A model to ship: the folder that stands alone, its ONNX file, its card, and the way to the Hugging Face Hub."""
