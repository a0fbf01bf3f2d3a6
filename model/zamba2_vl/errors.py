"""Everything that can go wrong in this package, as one tree of exceptions."""


class ModelError(Exception):
    """Root of the tree. `hint` says what to try next; it may be empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(ModelError):
    """A configuration asks for something that this package does not implement, or contradicts
    itself."""


class CheckpointError(ModelError):
    """A folder of weights cannot be loaded."""


class NotACheckpointError(CheckpointError):
    """The folder lacks a config.json or has no safetensors weights."""


class ArchitectureError(CheckpointError):
    """The folder holds another kind of model."""


class TruncatedError(CheckpointError):
    """A weights file is shorter than its own header promises, or its header cannot be read."""


class WeightsMismatchError(CheckpointError):
    """Tensors are missing, left over, of the wrong shape, or tied and yet different."""


class MemoryShortageError(CheckpointError):
    """The device has too little free memory for the weights."""


class DeviceError(ModelError):
    """The device that was asked for does not exist or cannot do what was asked."""


class InputError(ModelError):
    """A request contradicts itself: pictures that no place is kept for, empty text, and so on."""
