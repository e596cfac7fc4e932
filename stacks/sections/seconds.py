"""A number of seconds in the config, at most a day."""

from typing import Annotated

from pydantic import Field

MOST_SECONDS = 86_400
Seconds = Annotated[int, Field(gt=0, le=MOST_SECONDS)]
