"""Load any game file: specs through :mod:`highfence.spec`, Gambit files through the forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Problem, SpecError
from .spec.catalog import find, load_game

if TYPE_CHECKING:
    from .forms.extensive import ExtensiveForm
    from .forms.markov import MarkovForm
    from .forms.normal import NormalForm
    from .spec.model import Game

__all__ = ["load"]


def load(name_or_path: str | Path) -> Game | NormalForm | ExtensiveForm | MarkovForm:
    """Return a game by its name in the catalogue, or by the path of its file.

    Parameters
    ----------
    name_or_path
        A path to a ``.toml``, ``.py``, ``.nfg`` or ``.efg`` file; or a name, which is
        looked for below ``./games`` and then in the bundled catalogue.

    Returns
    -------
    Game or NormalForm or ExtensiveForm or MarkovForm
        ``Game.file`` says which file was read. A ``.py`` file is run; the others are data.

    Raises
    ------
    RequestError
        There is no such game, two files of one place have the name, or the file cannot
        be read.
    SpecError
        The game is wrong; all mistakes are listed.
    """
    path = find(name_or_path)
    if path.suffix.lower() in (".nfg", ".efg"):
        from .forms.gambit_files import read

        return read(path)
    made = load_game(path)
    from .forms.extensive import ExtensiveForm
    from .forms.markov import MarkovForm
    from .forms.normal import NormalForm
    from .spec.model import Game

    if not isinstance(made, Game | NormalForm | ExtensiveForm | MarkovForm):
        raise SpecError(
            Problem(
                str(path),
                f"game is {type(made).__name__}, not a game",
                "Define a Game, a NormalForm, an ExtensiveForm or a MarkovForm",
            )
        )
    return made
