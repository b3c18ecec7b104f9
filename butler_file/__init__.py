"""What a repository says of its own deployment in `butler.yml`, what a request says instead, and the plan; runs nothing."""

from butler_file.documents import read_overrides
from butler_file.planning import plan_as_dict, plan_for
from butler_file.reading import Wishes, read
from butler_file.schema import overrides_schema, schema_text

__all__ = ["Wishes", "overrides_schema", "plan_as_dict", "plan_for", "read", "read_overrides", "schema_text"]
