"""Compiled programs kept on disk: XLA compiles once a machine, not once a process."""

from pathlib import Path

import jax


def keep_compiled(directory: Path) -> None:
    """Keep XLA's compiled programs in a folder `xla` in `directory`, unless JAX was told of another place.

    Source: https://docs.jax.dev/en/latest/persistent_compilation_cache.html.

    Args:
        directory: Must be writable; if it is not, JAX warns and compiles in memory.
    """
    settings: dict[str, str | float | int] = {
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    if jax.config.values["jax_compilation_cache_dir"] is None:
        settings["jax_compilation_cache_dir"] = str(directory / "xla")
    for name, value in settings.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]  # JAX leaves this one untyped
