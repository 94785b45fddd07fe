# What people and CI run. `make demo` and `make test` need Go, git and make, and install the rest on
# Debian and its kin; elsewhere they say what is missing.

PREFIX  ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
GO      ?= go

SHARE = $(DESTDIR)$(PREFIX)/share
MEDIA = ffmpeg ffprobe mkvmerge mkvpropedit mkvextract

GOLANGCI_VERSION = v2.15.0
# One that is installed already, else our own.
GOLANGCI := $(or $(shell command -v golangci-lint || ls "$$($(GO) env GOPATH)/bin/golangci-lint" 2>/dev/null),bin/golangci-lint)

.PHONY: build test test-faults test-sim test-lab test-lab-short lint vet demo install clean

# One static file. Go notes tag and commit in it, which needs a git that trusts this folder.
build: VCS = $(shell git rev-parse -q --verify HEAD >/dev/null 2>&1 && echo true || echo false)
build:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w' -o bin/distenc ./cmd/distenc

# The race detector needs a C compiler. mkvmerge, where a test calls it, takes file names in the locale's
# characters; the program itself sets that for its children.
test: export LC_ALL = C.UTF-8
test:
	test/install-tools $(MEDIA) gcc
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./...

# Real NFS and SMB between machines that lose power, are cut off, stand still: docs/lab.md. It needs root.
# LAB=nfs3 or LAB=smb3/server runs a part.
LAB_TOOLS = linux.uml ip mkfs.ext4 insmod rpcbind rpc.nfsd mount.nfs smbd mount.cifs
RUN_LAB   = DISTENC_LAB=1 $(GO) test -count=1 -v -timeout 6h ./test/lab

test-lab:
	test/install-tools $(MEDIA) $(LAB_TOOLS)
	$(RUN_LAB) -run 'TestFaults/$(LAB)'

# One protocol and the loss of a worker and of the master, in a few minutes.
test-lab-short:
	@if [ "$$(id -u)" != 0 ]; then echo "test-lab-short: skipped: it needs root"; else \
		test/install-tools $(MEDIA) $(LAB_TOOLS) && $(RUN_LAB) -short; fi

# Kills and freezes real processes at random through many jobs; the output is compared frame by frame.
KILLS ?= 200
JOBS  ?= 20
test-faults:
	test/install-tools $(MEDIA)
	DISTENC_TEST_KILLS=$(KILLS) DISTENC_TEST_JOBS=$(JOBS) $(GO) test -count=1 -timeout 60m -v -run 'TestRandomKills' ./test/farm

# The simulated share: SEEDS of them, every operation of a job made to fail, every mutant. Minutes to an hour.
SEEDS ?= 2000
test-sim:
	$(GO) test ./test/sim -timeout 0 -v -run 'TestSeeds|TestMutants|TestEveryOperationFails' -seeds $(SEEDS) -procs $$(nproc) -every 1

vet:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	$(GO) vet ./...

lint: vet $(GOLANGCI)
	$(GOLANGCI) run ./...

# Compiled here, which takes minutes, once.
bin/golangci-lint:
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

# INPUT=FILE encodes your own file, DEMO_DIR=FOLDER says where.
demo: build
	test/install-tools $(MEDIA)
	$(GO) run ./test/demo -distenc bin/distenc -dir "$(DEMO_DIR)" -input "$(INPUT)"

# Root need not have Go: what was built is installed.
bin/distenc:
	$(MAKE) build

install: bin/distenc
	install -D -m 755 bin/distenc $(DESTDIR)$(PREFIX)/bin/distenc
	install -D -m 644 config.example.toml $(SHARE)/doc/distenc/config.example.toml
	install -D -m 644 README.md $(SHARE)/doc/distenc/README.md
	install -d $(DESTDIR)$(UNITDIR) $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	for unit in distenc-master distenc-worker; do \
		sed 's|/usr/local|$(PREFIX)|' systemd/$$unit.service > $(DESTDIR)$(UNITDIR)/$$unit.service || exit 1; \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$unit.service; \
	done
	bin/distenc completion bash > $(SHARE)/bash-completion/completions/distenc
	bin/distenc completion zsh > $(SHARE)/zsh/site-functions/_distenc
	bin/distenc completion fish > $(SHARE)/fish/vendor_completions.d/distenc.fish

clean:
	rm -rf bin
