# What contributors run; `just` alone lists it. https://just.systems

# The interpreter, e.g. `PYTHON=.venv/bin/python just check`.
export PYTHON := env("PYTHON", "python")

_list:
    @just --list

# Install the locked tools and this package, editable.
install:
    "$PYTHON" -m pip install --requirement requirements-dev.lock
    "$PYTHON" -m pip install --no-deps --editable .

# All that CI checks: format, lint, types, spelling, tests.
check *arguments:
    scripts/check {{arguments}}

# The tests alone, e.g. `just test tests/test_gallery.py`.
test *arguments:
    OMP_NUM_THREADS=1 "$PYTHON" -m pytest {{arguments}}

# The tests that take less than ten seconds each.
test-quick:
    OMP_NUM_THREADS=1 "$PYTHON" -m pytest -m "not slow"

# From a folder of photographs to a model in OUT/model, too small to be any good.
train-toy photos out="runs/toy":
    scripts/train-toy "{{photos}}" "{{out}}"

# Renew the canonical embeddings after a new default model.
golden:
    "$PYTHON" scripts/golden

# Damaged files of every kind to the public calls, 24,000 in all; CI does some hundred.
fuzz *arguments:
    PYTHONPATH=.:tests OMP_NUM_THREADS=1 "$PYTHON" -m fuzz {{arguments}}
