"""Messages about commands and their flags, exports and uploads, by key; `messages.PROBLEMS` has them all."""

from typing import Final

COMMANDS: Final[dict[str, str]] = {
    # Commands and flags.
    "no command": "'{name}' isn't a command{hint}; known: {known}",
    "no language": "there is no language '{code}'{hint}; known: {known}",
    "no flag": "isn't a flag{hint}",
    "flags listed": "; '{prog} --help' lists all",
    "path without a flag": "'{word}' is one word too many; to use this file or folder, write {right}",
    "word too many": "'{word}' is one word too many; '{prog} --help' lists the flags",
    "argument missing": "is missing; '{prog} --help' shows what the command needs",
    "value without a flag": "{word} is given without a flag: {right}",
    "not one of": "must be one of {known} (got '{value}'){hint}",
    "wrong value": "can't be '{value}'",
    "out of range": "must be from {least} to {most} (got {value})",
    "switch": "must be {known} (got '{value}'), or use the switch --{switch}",
    "recipe and configuration": "the settings of '{place}' replace a recipe; leave '{name}' out",
    "summary of nothing": "'summary' needs a recipe; known: {known}",
    "setting for recipe": "'{name}' is a setting; write it as a flag: --{setting} {value}",
    "run for recipe": "'{name}' is a run; '{command}' continues it, and '{new_run}' starts a new run with its settings",
    "ending of settings": "{path} must end in '.toml' or '.json'",
    "run for summary": "'{name}' is a run; '{command}' shows its networks, with other settings as flags after it",
    "folder for a text": "'{text}' is the folder of a run; write the text first: {right}",
    "no file given": "needs at least one file",
    "out of memory": "out of memory; try a smaller --batch-size, --width or --count",
    "stopped": "interrupted",
    "no gradio": "the browser interface needs Gradio; pip install 'gradio>=6,<7'",
    # Export and upload.
    "no onnx": "ONNX needs '{name}'; pip install onnx onnxruntime onnxscript, or use --format safetensors",
    "onnx differs": (
        "the ONNX file differs from PyTorch by {difference} of the pixel range at a batch of {count} (at most {most} "
        "is allowed); nothing was written; use --format safetensors"
    ),
    "no hub": "huggingface_hub isn't installed; pip install huggingface_hub",
    "no login": "nobody is logged in to the Hugging Face Hub; run 'hf auth login', or set HF_TOKEN",
    "no repository name": (
        "'{repository}' isn't a repository name; write 'user/name' in letters, digits and single '-', '_' or '.' "
        "between them, at most {most} characters"
    ),
    "not uploaded": "'{repository}' was not uploaded: {why}; run the same command to try again",
}
"""Messages about commands."""
