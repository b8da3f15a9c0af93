"""A price file with the catalogues that it names: the files that hold them are read here."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from processor.config.load import read_text
from processor.core.errors import ConfigError, Problem
from processor.core.pricing import Catalog, PriceFile, compile_catalog, parse_prices


class LoadedPrices(NamedTuple):
    """A price file, read and compiled."""

    file: PriceFile
    catalog: Catalog


def load_prices(text: str, source: str) -> LoadedPrices:
    """The prices of a file's text; `source` is its path, or names it where it has none.

    A catalogue's path that is relative starts at the folder of the price file. Raises ConfigError.
    """
    file = parse_prices(text, source)
    texts: dict[str, str] = {}
    for catalogue in file.catalogues:
        if catalogue.path:
            try:
                texts[catalogue.path] = read_text(_path_of(catalogue.path, source))
            except ConfigError as error:
                fixes = "; ".join(map(str, error.problems))
                fix = "write its path, from the folder of this file"
                raise ConfigError([Problem(catalogue.where, fixes, fix)]) from error
    return LoadedPrices(file, compile_catalog(file, texts))


def named_files(text: str, source: str) -> list[Path]:
    """The files that a price file names; none while it cannot be read."""
    try:
        file = parse_prices(text, source)
    except ConfigError:
        return []
    return [_path_of(catalogue.path, source) for catalogue in file.catalogues if catalogue.path]


def _path_of(path: str, source: str) -> Path:
    return Path(source).parent / path
