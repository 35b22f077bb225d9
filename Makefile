# Two commands matter: `make run` shows the daemon at work, `make test` checks everything. `make help` lists the rest.
MVN ?= mvn -B -ntp
APP := packaging/target/edged

.DEFAULT_GOAL := help
.PHONY: help build run test format reference clean

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 24

build: ## leave a runnable application in packaging/target/edged
	@$(MVN) -q -DskipTests package
	@chmod 755 $(APP)/bin/edged
	@echo "built $(APP)/bin/edged"

run: build ## sink, daemon and demo producer in one terminal; Ctrl-C ends all
	@exec $(APP)/bin/edged demo --all --state packaging/target/demo

test: ## every test
	@$(MVN) verify

format: ## rewrite the sources with the project's formatter
	@$(MVN) -q -DskipTests -Dformat.phase=process-test-classes package

reference: ## rewrite config/edge.toml and the key tables of docs/configuration.md from the code
	@$(MVN) -q -pl config -Dreference.rewrite=true -Dtest=ReferenceTest test

clean: ## remove what the build made
	@$(MVN) -q clean
