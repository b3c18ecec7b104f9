"""What a repository says about its own deployment in `butler.yml`, and the plan that comes of it; runs nothing."""

from butler_file.planning import plan_as_dict, plan_for
from butler_file.reading import Wishes, read
from butler_file.schema import schema_text

__all__ = ["Wishes", "plan_as_dict", "plan_for", "read", "schema_text"]
