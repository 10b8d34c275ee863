"""Messages about one's own networks, losses and other parts, by key; `messages.PROBLEMS` has them all."""

from typing import Final

PARTS: Final[dict[str, str]] = {
    "no part": "there is no '{name}'{hint}; known: {known}; for your own, give its file with --code, or "
    "install its package",
    "no part name": "must be a name, or 'file.py:Name' (got {name})",
    "code missing": "'{name}' is code of its own, and nothing that is read runs code; add --code {file}",
    "object missing": "'{name}' is an object from a Python session; hand it over again, such as generator=…",
    "not in the code": "{file} defines no '{name}'{hint}",
    "not a class": "'{name}' must be a class",
    "not a metric": "'{name}' must be a pocketgan.metrics.Metric",
    "not an objective": "'{name}' must be a pocketgan.Objective or a pocketgan.SetObjective",
    "discriminator needed": "'none' needs an objective without a discriminator, such as 'drifting' (got '{objective}')",
    "discriminator idle": "must be 'none' with the objective '{objective}', which needs no discriminator",
    "idle without discriminator": "has no effect without a discriminator; leave it out, or set it to {default}",
    "lone needs noise": "must start from noise with the objective '{objective}'; '{name}' reads images",
    "classes only": "'{name}' compares images of the same class, and this data has numbers or several labels instead; "
    "add --no-conditional",
    "condition unused": "nothing reads the numbers of '{file}'; add --conditional, "
    "with a recipe that starts from noise",
    "loop without discriminator": "'{name}' trains without a discriminator",
    "no discriminator": "'{folder}' was trained without a discriminator",
    "entry point broken": "'{name}' can't be loaded from {value}: {why}",
    "no options": "the package's own '{name}' takes no options; use its settings instead",
    "no option": "'{name}' has no option '{option}'{hint}; known: {known}",
    "wrong option": "'{option}' must be {kind} (got {value})",
    "no python file": "{path} isn't a Python file; its name must end in .py",
    "same file name": "{path} has the same name as {other}; rename one",
    "array type": "must be an array of numbers (got {type})",
    "object not sent": "'{name}' can't be sent to the study's processes ({why}); put it into a file and give it with "
    "--code",
    "no onnxruntime": "needs 'onnxruntime'; pip install onnxruntime",
    "no onnx file": "onnxruntime can't read it: {why}",
    "range missing": "is missing: the range of the values that the ONNX file returns, one of {known}",
    "latents of file": "is missing: the ONNX file doesn't say how long its latents are",
    "latents differ": "must be {expected}, the length in the ONNX file (got {found})",
    "onnx inputs": (
        "'{path}' must read latents of shape (N, latent_dim) or (N, latent_dim, 1, 1), and perhaps whole labels "
        "(it reads {found})"
    ),
    "onnx labels": "'{path}' reads labels ('{name}'), but the real images have no classes",
    "onnx not run": "onnxruntime can't run '{path}': {why}",
    "onnx not finite": "'{path}' returns values that aren't finite",
    "onnx outside": "'{value}' isn't the range of '{path}', which returns values from {low} to {high}",
    "onnx shape": "'{path}' returns an array of shape {found}, which isn't images",
    "only of onnx": "is for .onnx files only",
    "nothing to check": "{file} defines no network, objective, optimizer, schedule, metric or recipe",
    "loss shape": "must return one value per sample, shape {expected} (got {shape})",
    "loss kind": "must return a tensor (got {kind})",
    "loss fails": "fails on logits of shape {shape}: {why}",
    "code exits": "the code ends the program at {place}",
    "loss infinite": "isn't finite for logits from {lowest} to {highest}",
    "loss without gradient": "has no gradient; compute it from the logits with PyTorch's functions",
    "set loss fails": "fails on generated images {made} and real images {real}: {why}",
    "no set loss": "'{name}' must return a tensor that is computed from the generated images",
    "set loss shape": "must return a scalar, or one value per class, shape {expected} (got {shape})",
    "set loss not finite": "isn't finite; keep zeros out of divisions and logarithms",
    "set gradient not finite": "has a gradient that isn't finite; keep zeros out of roots, such as the distance of an "
    "image from itself",
    "set loss without gradient": "has no gradient; compute it from the generated images with PyTorch's functions",
    "no step": "has no step(); define it",
    "step fails": "step() fails: {why}; it is called without arguments, with a gradient in each parameter's .grad",
    "step not finite": "step() makes parameters infinite or NaN; keep zeros out of divisions and roots",
    "step without effect": "step() changes no parameter; change each one in place, under torch.no_grad()",
    "step uphill": "step() moves the parameters along the gradient, so that the loss rises; subtract the gradient",
    "rate without effect": "takes the same steps at every learning rate, so that a schedule has no effect; read "
    "group['lr'] in each step",
    "state fails": "its state can't be saved and loaded: {why}; keep only tensors and numbers in self.state[parameter]",
    "state incomplete": "takes other steps after its state is saved and loaded, so that a resumed run differs; keep "
    "everything that changes in self.state[parameter]",
    "schedule fails": "fails for a progress of {progress}: {why}; it gets a number from 0 to 1",
    "schedule of zeros": "returns 0 for every progress, so that nothing is trained",
    "differs twice": "differs from call to call; leave out random numbers and what changes between calls",
    "metric on arrays": "{why}; it gets {kind} arrays of shape {shape}",
    "no pandas": "needs 'pandas'; pip install pandas",
    "no kind of part": "isn't a kind of part{hint}; known: {known}",
    "no configuration": "'{name}' must return a RunConfig (got {kind})",
    "options as pairs": "must be NAME=VALUE pairs (got '{word}')",
    "code unreadable": "can't read {path}: {why}",
    "not a module": "'{name}' must be a subclass of torch.nn.Module",
    "stands alone": "'{name}' can't be combined with others; leave it or the others out",
    "not built": "'{name}' can't be created: {why}",
    "not run": "'{name}' fails on {given}: {why}",
    "wrong output": "'{name}' must return {expected} (got {shape})",
    "not a tensor": "'{name}' must return one tensor (got {kind})",
    "output not finite": "'{name}' returns values that aren't finite",
    "output outside": "'{name}' returns values from {low} to {high}, outside {range}; end it in a {activation}, or "
    "change --pixel-range",
    "ends in sigmoid": "'{name}' ends in a sigmoid, but the losses take logits; leave the sigmoid out",
    "gives probabilities": "'{name}' returns only values from 0 to 1, whatever its weights and the images are, but the "
    "losses take logits; leave the sigmoid out",
    "no parameters": "'{name}' has no parameters to train; keep its layers in attributes, and lists of layers in "
    "nn.ModuleList",
    "no gradient": "'{name}' returns values without a gradient; compute them from its parameters with PyTorch's "
    "functions, without detach() or no_grad()",
    "takes no labels": "'{name}' takes no labels, which class-conditional training needs; add a second argument "
    "to its forward, or use --no-conditional",
    "an instance": "'{name}' must be a class, not an object of it: each seed needs its own initial weights",
    "not an optimizer": "'{name}' must be a subclass of torch.optim.Optimizer",
    "no factor": "'{name}' must return a number of at least 0 for a progress of {progress} (got {value})",
    "own code failed": "your code fails in training: {why}",
    "part of file": "{file} is a file; add the name of your class or function in it, as in {file}:NAME",
    "recipe of file": "{file} is a file; name the recipe in it, such as {file}:recipe",
    "code changed": "{files} changed since the run began; --changed-code continues with the new code and records it",
}
