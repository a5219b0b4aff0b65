"""A wheel with prebuilt kernels belongs to one kind of machine; all else about the build is in pyproject.toml."""

from pathlib import Path

from setuptools import Distribution, setup


class Kernels(Distribution):
    """Says whether libraries were prebuilt (`make wheel`)."""

    def has_ext_modules(self) -> bool:
        """True where the wheel must carry a platform in its name."""
        return any(Path("pharmagraph/model/kernels/cpu/prebuilt").glob("*.so"))


setup(distclass=Kernels)
