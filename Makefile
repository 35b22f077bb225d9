# Two commands matter: `make run` shows the daemon at work, `make test` checks everything. `make help` lists the rest.
MVN ?= mvn -B -ntp
APP := packaging/target/edged

.DEFAULT_GOAL := help
.PHONY: help build run test
.PHONY: test-tools test-java test-python test-dist format reference metrics-reference mutants crash-harness clean
.PHONY: bench-wal bench-writer bench-prepare bench-backlog bench-ingest bench-drain bench-receivers bench-lock bench-start bench-idle
.PHONY: soak-crash soak-kill soak-wal soak-overload soak-priority soak-link soak-fuzz soak-idle soak-lock soak-scrape
.PHONY: dist update-runtime-lock update-invokers
.PHONY: guest update-guest-lock powercut powercut-controls replay faults faults-controls torn
.PHONY: portability-tests portability-matrix portability-matrix-full portability-ci-gate portability-controls portability-crash-harness

help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 24

build: ## leave a runnable application in packaging/target/edged
	@$(MVN) -q -DskipTests package
	@chmod 755 $(APP)/bin/edged
	@$(APP)/bin/edged documents $(APP)/share
	@$(APP)/bin/edged lock release --amd64 $(APP) >/dev/null
	@echo "built $(APP)/bin/edged"

run: build ## sink, daemon and demo producer in one terminal; Ctrl-C ends all
	@exec $(APP)/bin/edged demo --all --state packaging/target/demo

test: test-tools test-python test-java ## every test

test-java:
	@$(MVN) verify

test-python: ## the second reader of the log and the harnesses of portability, against what they make themselves
	@if command -v python3 >/dev/null; then cd packaging/portability && python3 -B -m unittest -q test_wal_verify test_edged_matrix test_edged_powercut; \
	else echo "SKIP the second reader of the log and the harnesses of portability: no python3"; fi

test-tools: # third-party programs that some tests call; without them those tests say SKIP
	@sh packaging/test-tools.sh

BENCH = $(MVN) -q -DskipTests package -Pbench -pl telemetry/bench -am $(if $(BENCH_DIR),-Dbench.directory=$(BENCH_DIR))

bench-wal: ## durable appends beside a bare loop of write and force and beside other logs; BENCH_DIR names a directory on the disk to measure
	@$(BENCH) -Dbench.main=io.edged.wal.WalBench "-Dbench.jvm=$(BENCH_OPTS)"

bench-writer: ## the log's writer under JMH, with what it allocates
	@$(BENCH) -Dbench.main=io.edged.wal.WriterJmh

bench-prepare: ## what a segment costs, for each way to get one
	@$(BENCH) -Dbench.main=io.edged.wal.PrepareBench

bench-backlog: ## open and read a log of BENCH_GIB GiB (10)
	@$(BENCH) -Dbench.main=io.edged.wal.BacklogBench "-Dbench.jvm=$(if $(BENCH_GIB),-Dbench.gib=$(BENCH_GIB))"

bench-ingest: ## records a second and CPU seconds per million through the whole daemon
	@$(MVN) -q -DskipTests package -Dbench.ingest.phase=package

bench-drain: ## a backlog of BENCH_GIB GiB (2) delivered to edged sink beside a bare sender: MB a second, memory, CPU
	@$(MVN) -q -DskipTests package -Dbench.drain.phase=package $(if $(BENCH_GIB),-Dbench.drain.jvm=-Dbench.gib=$(BENCH_GIB))

bench-receivers: ## CPU seconds per million log records by transport, compression and records a request; BENCH_SECONDS (5) each
	@$(MVN) -q -DskipTests package -Dbench.receivers.phase=package $(if $(BENCH_SECONDS),-Dbench.receivers.jvm=-Dbench.millis=$(BENCH_SECONDS)000)

soak-overload: ## far more than ten times what a slow disk takes for SOAK_SECONDS (60), slow senders and bombs: memory, answers, probes
	@$(MVN) -q -DskipTests package -Dsoak.overload.phase=package $(if $(SOAK_SECONDS),-Dsoak.overload.jvm=-Dsoak.millis=$(SOAK_SECONDS)000)

soak-priority: ## an error event behind a backlog of 1 GiB on a link of 1 MB/s, in virtual time: there in 2 s
	@$(MVN) -q test -pl telemetry -am -Dtest='LaneTest#anErrorIsThere*' -Dsurefire.failIfNoSpecifiedTests=false -Dpriority.backlog.mib=1024

soak-link: ## the same on a real link, between two networks of this machine; needs root. LINK_MIB (1024) of backlog, LINK_ERRORS (20)
	@$(MVN) verify -pl packaging -am -Dtest=LinkTest -Dsurefire.failIfNoSpecifiedTests=false -Dlink.backlog.mib=$(or $(LINK_MIB),1024) -Dlink.errors=$(or $(LINK_ERRORS),20)

bench-lock: ## BLAKE3 beside commons-codec and b3sum, MB a second of one thread
	@$(MVN) -q -DskipTests package -pl lock -am -Dbench.lock.phase=package

soak-lock: ## fingerprints of random files up to 1 GiB beside b3sum
	@$(MVN) test -pl lock -am -Dtest=OfficialToolTest -Dsurefire.failIfNoSpecifiedTests=false -Dlock.largest.bytes=1073741824

soak-kill: ## the kill test at 20 seeds
	@$(MVN) verify -pl packaging -am -Dtest=KillTest -Dsurefire.failIfNoSpecifiedTests=false -Dkill.seeds=20

soak-fuzz: ## 10 million damaged bodies through the skim, the JSON reader and the decompressors; event lines; gRPC's frames; FUZZ_INPUTS for fewer
	@$(MVN) test -pl telemetry -am -Dtest=FuzzTest,ZstdDecoderTest,EventFuzzTest,GrpcFuzzTest -Dsurefire.failIfNoSpecifiedTests=false -Dfuzz.inputs=$(or $(FUZZ_INPUTS),3400000) -Dzstd.fuzz=$(or $(FUZZ_FRAMES),1000000) -Dfuzz.connections=$(or $(FUZZ_CONNECTIONS),50000)

soak-idle: ## SOAK_CONNECTIONS (10,000) that do nothing, and a client among them
	@$(MVN) verify -pl packaging -am -Dtest=IdleConnectionsTest -Dsurefire.failIfNoSpecifiedTests=false -Didle.connections=$(or $(SOAK_CONNECTIONS),10000)

CRASH_RESULT := $(abspath telemetry/target)/crash_harness.json
CRASH_HARNESS = @mkdir -p $(dir $(CRASH_RESULT)) && $(MVN) -q -DskipTests package -pl telemetry -am -Dcrash.harness.phase=package

crash-harness: ## processes that die at seeded calls: ITERATIONS (20), SEED (1); the result is telemetry/target/crash_harness.json
	$(CRASH_HARNESS) "-Dcrash.harness.arguments=--iterations $(or $(ITERATIONS),20) --seed $(or $(SEED),1) --out $(CRASH_RESULT)"

soak-crash: ## 1,000 iterations of it, a SIGKILL at every call of one run, 200 logs killed from outside
	$(CRASH_HARNESS) "-Dcrash.harness.arguments=--iterations $(or $(ITERATIONS),1000) --seed $(or $(SEED),1) --out $(CRASH_RESULT)"
	$(CRASH_HARNESS) "-Dcrash.harness.arguments=--harness every-call --seed $(or $(SEED),1) --out $(CRASH_RESULT:.json=_every_call.json)"
	$(CRASH_HARNESS) "-Dcrash.harness.arguments=--harness outside --iterations 200 --seed $(or $(SEED),1) --out $(CRASH_RESULT:.json=_outside.json)"

mutants: ## deliberate mistakes in the log, each of which a test has to catch; MUTANT names one
	@$(MVN) -q -DskipTests package -pl telemetry -am -Dmutants.phase=package $(if $(MUTANT),-Dmutants.only=$(MUTANT))

soak-wal: ## the model test of the log at 10,000 seeds
	@$(MVN) test -pl telemetry -am -Dtest=WalCrashTest -Dsurefire.failIfNoSpecifiedTests=false -Dwal.model.seeds=10000

format: ## rewrite the sources with the project's formatter
	@$(MVN) -q -DskipTests -Dformat.phase=process-test-classes package

reference: ## rewrite config/edge.toml and the key tables of docs/configuration.md from the code
	@$(MVN) -q -pl config -Dreference.rewrite=true -Dtest=ReferenceTest test

metrics-reference: ## rewrite the table of docs/metrics.md from a scrape
	@$(MVN) test -pl edged -am -Dtest=MetricsReferenceTest -Dsurefire.failIfNoSpecifiedTests=false -Dmetrics.rewrite=true

bench-idle: ## CPU, resident memory and the cost of a scrape of a daemon without work, over BENCH_SECONDS (60)
	@$(MVN) -q -DskipTests package -Dbench.idle.phase=package "-Dbench.idle.seconds=$(or $(BENCH_SECONDS),60)"

soak-scrape: ## 10,000 scrapes: what one costs, and that nothing is left behind
	@$(MVN) test -pl edged -am -Dtest=ScrapesTest -Dsurefire.failIfNoSpecifiedTests=false -Dscrape.count=10000

dist: build ## images, archives, packages and the container index, in packaging/target; ARCHITECTURES="arm64" makes that image only
	@sh packaging/dist/tools.sh && ARCHITECTURES="$(ARCHITECTURES)" sh packaging/dist/release.sh

test-dist: ## the built images in chroots and under emulation, the packages under a real systemd; needs root
	@sh packaging/dist/tools.sh && sh packaging/test/scripts.sh && sh packaging/test/launcher.sh && sh packaging/test/images.sh && sh packaging/test/container.sh && sh packaging/test/package.sh

bench-start: ## packed and unpacked size, start to first accepted request, idle memory of the images that make dist left
	@sh packaging/test/start.sh

update-runtime-lock: ## pin the Debian packages of the runtime images that the mirrors have now
	@sh packaging/dist/runtime.sh update

update-invokers: ## pin the forms of invocation that start-up caches have ahead, from runs of the image of amd64 that make dist left
	@sh packaging/dist/cache.sh update

clean: ## remove what the build made
	@$(MVN) -q clean

PORTABILITY = packaging/target/portability
JUNIT_VERSION = $(shell sed -n 's|.*<junit.version>\(.*\)</junit.version>.*|\1|p' pom.xml)

portability-tests:
	@$(MVN) -q -DskipTests test-compile -pl telemetry,lock -am
	@for module in telemetry lock; do rm -rf $(PORTABILITY)/$$module; \
	    $(MVN) -q dependency:copy-dependencies -pl $$module -DincludeScope=test -DoutputDirectory=$(abspath $(PORTABILITY))/$$module || exit 1; done
	@$(MVN) -q dependency:copy -N -Dartifact=org.junit.platform:junit-platform-console-standalone:$(JUNIT_VERSION) -DoutputDirectory=$(abspath $(PORTABILITY))/console

MATRIX = python3 packaging/portability/edged_matrix.py run $(if $(ITERATIONS),--iterations $(ITERATIONS)) $(if $(SEED),--seed $(SEED)) $(if $(EVIDENCE),--evidence $(EVIDENCE)) $(MATRIX_OPTIONS)

portability-matrix: portability-tests ## the matrix on this machine's architecture: ext4 and xfs, four steps each, evidence in packaging/portability/evidence
	@$(MATRIX) --native-only

portability-matrix-full: portability-tests ## all six cells; foreign architectures run the images of make dist under qemu-user
	@$(MATRIX)

portability-ci-gate: portability-tests ## the native cells; exit status 1 if one failed or nothing ran
	@$(MATRIX) --native-only --strict

portability-controls: portability-tests ## the native cells with deliberate mistakes in the log: each has to fail in the steps that look for it
	@for control in "frame-length-little-endian --must-fail unit_test --must-fail crash_harness --must-fail known_good_log" \
	    "skip-the-force --must-fail unit_test --must-fail crash_harness"; do set -- $$control; mistake=$$1; shift; \
	    $(MVN) -q -DskipTests package -pl telemetry -am -Dmutants.phase=package -Dmutants.only=$$mistake && \
	    $(MATRIX) --native-only --unit-tests '.*(FormatExample|GoldenLog|WalCrash|LockDocument)Test' --classes telemetry/target/mutants/$$mistake/classes --evidence packaging/target/portability/controls "$$@" || exit 1; done

portability-crash-harness: crash-harness ## the crash harness on its own: ITERATIONS (20), SEED (1)

guest: # what the power cut boots, and the programs that it, the replay and the faults call; what is missing makes them SKIP
	@sh packaging/portability/guest.sh fetch || echo "SKIP fetching the guest"

update-guest-lock: ## pin the Debian packages of the guest that the mirrors have now
	@sh packaging/portability/guest.sh update

HARNESS = $(if $(FS),--fs $(FS)) --seed $(or $(SEED),1) $(if $(EVIDENCE),--evidence $(EVIDENCE))
POWERCUT = python3 -B packaging/portability/edged_powercut.py $(HARNESS)
REPLAY = python3 -B packaging/portability/edged_replay.py $(HARNESS) --states $(or $(STATES),1000)
REPLAY_CLASSES = $(MVN) -q -DskipTests test-compile -pl telemetry -am

powercut: build guest ## cut the power of a virtual machine N (10) times on each file system: SEED, FS=ext4|xfs; evidence as the matrix has it
	@$(POWERCUT) --cuts $(or $(N),10) $(POWERCUT_OPTIONS)

powercut-controls: build guest ## the same with forces that do nothing: each has to report a loss
	@for lie in eatmydata disk build; do $(POWERCUT) --cuts $(or $(N),10) --lie $$lie --must-lose || exit 1; done

replay: build guest ## crash states of one recorded run, STATES (1000) on each file system; needs root
	@$(REPLAY_CLASSES) && $(REPLAY) $(REPLAY_OPTIONS)

torn: guest ## what ext4 and xfs themselves survive of torn writes, without a daemon; needs root
	@python3 -B packaging/portability/edged_torn.py --seed $(or $(SEED),1) $(if $(STATES),--states $(STATES))

faults: replay ## replay, then disks that fail, fill, hang, slow down, go read-only and rot under the daemon; needs root
	@python3 -B packaging/portability/edged_faults.py $(HARNESS) $(FAULTS_OPTIONS)

faults-controls: build guest ## replay of runs whose forces do nothing: each has to report a loss
	@$(REPLAY_CLASSES) && for lie in eatmydata disk; do $(REPLAY) --lie $$lie --must-lose || exit 1; done
