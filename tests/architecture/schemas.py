# SPDX-License-Identifier: MIT
"""``make schemas``: write the JSON Schemas in ``configs/schema`` anew, after settings have changed."""

from pathlib import Path

from osak.client.config import ClientConfig
from osak.node.config import NodeConfig
from osak.shares.configuration import Settings, schema_text

FOLDER = Path(__file__).parents[2] / "configs" / "schema"
SCHEMAS: dict[str, type[Settings]] = {"client.schema.json": ClientConfig, "node.schema.json": NodeConfig}


def main() -> None:
    """Write every schema."""
    for name, model in SCHEMAS.items():
        (FOLDER / name).write_text(schema_text(model), encoding="utf-8")


if __name__ == "__main__":
    main()
