# `make run` on a machine with Python 3.11 or newer and a way to its package registries; `make help` for the rest.
# Plain make and sh. A second run finds everything in place and starts at once.

PYTHON ?= python3.11 python3 python3.13 python3.12
BIN = .venv/bin
MODULE = $(BIN)/python -m

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run setup test check clean system-run system-test system-venv

help:  ## Show this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile

run: setup  ## Install what is missing, then start the broker, the hub and all workers
	@exec $(BIN)/toyhub up

setup: system-run .venv/.core  ## Only install what `make run` needs

test: system-test .venv/.test  ## Install what the tests need and run them all
	$(MODULE) pytest

check: .venv/.dev  ## Lint and type check
	$(MODULE) ruff check .
	$(MODULE) mypy

clean:  ## Remove what was made here, except data/
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Sets $python to the first that is new enough, or to "none".
find_python = for python in $(PYTHON) none; do \
    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done

# -- Python packages: a stamp file for each set, made again when pyproject.toml changes

.venv/.made: | system-venv
	@$(find_python); \
	if [ "$$python" = none ]; then \
	    echo 'toyhub needs Python 3.11 or newer: install it, or name it with `make run PYTHON=/path/to/python`' >&2; exit 1; \
	fi; \
	echo "making .venv with $$python"; \
	"$$python" -m venv --clear .venv && touch $@

.venv/.core: .venv/.made pyproject.toml
	@echo "installing Python packages into .venv (once)"
	@$(MODULE) pip install --quiet --editable . && touch $@

.venv/.test: .venv/.made pyproject.toml
	@echo "installing Python packages for the tests into .venv (once)"
	@$(MODULE) pip install --quiet --editable '.[test]' && touch $@ .venv/.core

.venv/.dev: .venv/.made pyproject.toml
	@echo "installing Python packages for the checks into .venv (once)"
	@$(MODULE) pip install --quiet --editable '.[dev]' && touch $@ .venv/.core .venv/.test

# -- programs of the system, by apt where there is apt. Debian starts and enables a broker with the package; we want the
#    program only, so the start is forbidden for the time of the installation (policy-rc.d) and the service disabled,
#    unless it was installed before.

define INSTALL
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e $$policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$$policy
    chmod 755 $$policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 1' INT TERM HUP
fi
before=$$(dpkg-query -W -f='$${db:Status-Status}' mosquitto 2>/dev/null || true)
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || echo 'toyhub: apt-get update failed; trying with what is known' >&2
apt-get install -y -qq --no-install-recommends "$$@" >/dev/null
if [ "$$before" != installed ] && [ -e /etc/init.d/mosquitto ]; then
    deb-systemd-helper disable mosquitto.service >/dev/null 2>&1 || true
    update-rc.d mosquitto disable >/dev/null 2>&1 || true
fi
endef
export INSTALL

# $(1): pairs `program:package`; `ensurepip` is a program when Python can make a virtual environment
define need
@missing=''; PATH="$$PATH:/usr/sbin:/usr/local/sbin"; \
for pair in $(1); do \
    program=$${pair%%:*}; \
    if [ "$$program" = ensurepip ]; then \
        [ -e .venv/.made ] && continue; \
        $(find_python); \
        [ "$$python" = none ] && continue; \
        "$$python" -c 'import ensurepip, venv' 2>/dev/null && continue; \
    else \
        command -v "$$program" >/dev/null 2>&1 && continue; \
    fi; \
    missing="$$missing $${pair##*:}"; \
done; \
[ -z "$$missing" ] && exit 0; \
if ! command -v apt-get >/dev/null 2>&1; then \
    echo "toyhub needs these programs, by their Debian names:$$missing. There is no apt-get here: install them (macOS:" \
        "brew install mosquitto espeak-ng) and call make again" >&2; exit 1; \
fi; \
if [ "$$(id -u)" = 0 ]; then as_root=''; \
elif command -v sudo >/dev/null 2>&1; then as_root=sudo; \
else \
    echo "toyhub needs these Debian packages:$$missing. You are not root and there is no sudo: have them installed with" \
        "'apt-get install$$missing' and call make again" >&2; exit 1; \
fi; \
echo "installing with apt$${as_root:+ and sudo}:$$missing"; \
$$as_root sh -c "$$INSTALL" install $$missing || { \
    echo "toyhub: apt could not install$$missing; install them and call make again" >&2; exit 1; }
endef

system-run:
	$(call need,ensurepip:python3-venv mosquitto:mosquitto mosquitto_pub:mosquitto-clients espeak-ng:espeak-ng)

system-test:
	$(call need,ensurepip:python3-venv mosquitto:mosquitto mosquitto_pub:mosquitto-clients espeak-ng:espeak-ng flite:flite)

system-venv:
	$(call need,ensurepip:python3-venv)
