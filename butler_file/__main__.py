"""Writes the published schema: `python -m butler_file > docs/butler.schema.json`."""

import sys

from butler_file.schema import schema_text

sys.stdout.write(schema_text())
