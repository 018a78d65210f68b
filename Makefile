# Tallyway. `make run` to use it, `make test` to trust it.

GO      ?= go
DATA    ?= data
LISTEN  ?= 127.0.0.1:8080
# The Fabric network's folder, and the version of the contracts on it.
FABRIC  ?= $(DATA)/fabric
VERSION ?= 1.0
# Facts from elsewhere that `make conformance` reads.
CONFORMANCE_DATA ?= $(CURDIR)/../shared/data

# The packages with tests of their own against these facts.
CONFORMING = ./shared/gs1 ./shared/epcis ./chaincode/scenario ./apps/traceability ./iot/senml ./iot/sparkplug ./iot/watch

.PHONY: run build setup test check bench conformance golden torture clean \
	network fabric-programs fabric-up fabric-deploy fabric-upgrade fabric-status fabric-logs fabric-down

run: build ## everything on embedded defaults, with the demo consortium
	bin/tallyway serve --demo --data $(DATA) --listen $(LISTEN)

build: ## bin/tallyway
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/tallyway ./cmd/tallyway

setup: ## what the tests need beside Go: a browser, PostgreSQL, PDF tools
	@scripts/setup.sh

check: ## formatting, vet, and the rules of the house
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'gofmt: run gofmt -w on the files above'; exit 1; }
	$(GO) vet ./...
	$(GO) vet -C network/admin ./...
	$(GO) test -count=1 .

network: ## bin/network, which runs a Fabric network on this machine
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/network ./cmd/network

fabric-programs: network ## Fabric's programs, once for a version: minutes the first time
	bin/network programs

fabric-up: network ## a Fabric network of four organisations: keys, first block, processes
	bin/network up --dir $(FABRIC)

fabric-deploy: network ## its channel, and the contracts on it
	bin/network deploy $(VERSION) --dir $(FABRIC)

fabric-upgrade: network ## other contracts on the running network: VERSION=1.1
	bin/network upgrade $(VERSION) --dir $(FABRIC)

fabric-status: network ## how each of its processes is
	bin/network status --dir $(FABRIC)

fabric-logs: network ## what one of them logged: NAME=peer.tax
	bin/network logs $(NAME) --dir $(FABRIC)

fabric-down: network ## end them; what they keep stays
	bin/network down --dir $(FABRIC)

test: setup check build fabric-programs ## every test, browser and PostgreSQL included
	$(GO) test -timeout 20m ./...
	$(GO) test -C network/admin -timeout 20m ./...

conformance: setup ## standards' own examples and vectors, against the parsers and the rules
	@if [ -d "$(CONFORMANCE_DATA)" ]; then \
		CONFORMANCE_DATA="$(CONFORMANCE_DATA)" $(GO) test -count=1 -tags conformance -run Conformance $(CONFORMING); \
	else \
		echo "conformance was NOT run: no folder $(CONFORMANCE_DATA); set CONFORMANCE_DATA to the folder of reference data"; \
	fi

golden: ## write the expected files anew; read the diff before committing
	$(GO) test ./chaincode/all ./chaincode/scenario ./shared/web ./apps/traceability -update

bench: build setup ## every claim of speed, as a ratio beside its reference
	$(GO) run ./bench

torture: build setup ## the reliability figures at full length (about an hour)
	TALLYWAY_TORTURE=1 $(GO) test -count=1 -timeout 3h -run 'Torture|Crash|Kill' ./...

clean:
	rm -rf bin
