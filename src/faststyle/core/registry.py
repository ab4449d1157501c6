"""Plug-ins by name: one class in one file, registered by a decorator."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from faststyle.core.errors import UserError, nearest
from faststyle.core.limits import check_arguments

Base = TypeVar("Base")
Plugin = TypeVar("Plugin")

#: The attribute of an object that keeps the arguments of its constructor.
_ARGUMENTS = "_registry_arguments"


class Description(NamedTuple):
    """What an object can be built from again: its name in a registry, and its arguments."""

    name: str
    options: Mapping[str, Any]


class Registry(dict[str, type[Base]], Generic[Base]):
    """Classes of one kind by name, whose objects a file can describe and build again.

    >>> STYLE_LOSSES = Registry[StyleLoss]("style loss")
    >>> @STYLE_LOSSES.register("gram")
    ... class GramLoss(StyleLoss):
    ...     def __init__(self, centered: bool = False) -> None: ...
    >>> STYLE_LOSSES.describe(STYLE_LOSSES.build("gram", centered=True))
    Description(name='gram', options={'centered': True})

    The decorator captures the arguments of each construction, defaults included, and checks the
    limits of their annotations (:mod:`faststyle.core.limits`), so nobody keeps a second list of
    them. They have to be named, and values that JSON holds: ``*args`` and ``**kwargs`` are no
    options.

    Args:
        kind: what one entry is called in errors.
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self._presets: dict[str, Mapping[str, Any]] = {}

    def register(self, name: str, **preset: Any) -> Callable[[type[Plugin]], type[Plugin]]:
        """Enter a class under ``name``, which may stand for some of its arguments too.

        Raises ``ValueError`` if another class has that name.
        """

        def enter(cls: type[Plugin]) -> type[Plugin]:
            known = self.get(name)
            # A module that is run as a script and imported too defines its classes twice.
            if known is not None and known.__qualname__ != cls.__qualname__:
                raise ValueError(f'the {self.kind} "{name}" is {known.__qualname__} already')
            _capture_arguments(cls, self.kind)
            self[name] = cls  # type: ignore[assignment]
            self._presets[name] = preset
            return cls

        return enter

    def __missing__(self, name: str) -> type[Base]:
        raise UserError(f'unknown {self.kind} "{name}": {nearest(name, self)}')

    def build(self, name: str, /, **options: Any) -> Base:
        """An object of the class under ``name``.

        Raises ``UserError`` for an unknown name or option, and what the constructor raises.
        """
        cls = self[name]
        arguments = {**self._presets[name], **options}
        try:
            _named_parameters(cls.__init__).bind(None, **arguments)
        except TypeError as error:
            raise UserError(f'{self.kind} "{name}": {error}') from None
        return cls(**arguments)

    def name_of(self, plugin: Base) -> str | None:
        """The name that :meth:`build` makes an object like ``plugin`` by; none if there is none."""
        for name, cls in self.items():
            preset = self._presets[name].items()
            if type(plugin) is cls and preset <= getattr(plugin, _ARGUMENTS).items():
                return name
        return None

    def describe(self, plugin: Base) -> Description:
        """The name and arguments that :meth:`build` makes an object like ``plugin`` from.

        Raises ``UserError`` if its class is not registered.
        """
        name = self.name_of(plugin)
        if name is None:
            raise UserError(
                f"{self.kind} {type(plugin).__name__} is not registered, so no file could say what"
                " was used: decorate the class with its registry's register(NAME)"
            )
        preset, arguments = self._presets[name], getattr(plugin, _ARGUMENTS)
        return Description(name, {key: arguments[key] for key in arguments if key not in preset})


def _capture_arguments(cls: type, kind: str) -> None:
    """Let the constructor of ``cls`` check its arguments, and keep them on the object."""
    construct = cls.__init__  # type: ignore[misc]
    if hasattr(construct, _ARGUMENTS):  # registered under another name, or a parent's
        return
    signature = _named_parameters(construct)

    @functools.wraps(construct)
    def capture(self: Any, *args: Any, **kwargs: Any) -> None:
        # A subclass that is registered, too, has captured its own arguments before.
        if not hasattr(self, _ARGUMENTS):
            bound = signature.bind(self, *args, **kwargs)
            bound.apply_defaults()
            check_arguments(kind, bound)
            _, *given = bound.arguments.items()
            object.__setattr__(self, _ARGUMENTS, dict(given))
        construct(self, *args, **kwargs)

    setattr(capture, _ARGUMENTS, True)
    cls.__init__ = capture  # type: ignore[misc]


def _named_parameters(construct: Callable[..., None]) -> inspect.Signature:
    """The signature without ``*args`` and ``**kwargs``, as ``torch.nn.Module`` has them."""
    signature = inspect.signature(construct)
    open_ended = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    named = [each for each in signature.parameters.values() if each.kind not in open_ended]
    return signature.replace(parameters=named)
