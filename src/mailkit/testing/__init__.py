"""For tests: of applications that embed mailkit, and of backends for it. Needs pytest and hypothesis."""

import pytest

pytest.register_assert_rewrite("mailkit.testing.contract")  # so that a failing assert there says why
