from awkward_fixtures import *  # noqa: F403
