# What people and CI run. `make demo` and `make test` need Go, git and make, and install the rest on
# Debian and its kin; elsewhere they say what is missing.

PREFIX  ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
GO      ?= go

SHARE = $(DESTDIR)$(PREFIX)/share
# What is installed, and what runs here to write its man pages and completions: not the same for another
# processor.
BIN  ?= bin/distenc
TOOL ?= bin/distenc
MEDIA = ffmpeg ffprobe mkvmerge mkvpropedit mkvextract

GOLANGCI_VERSION = v2.15.0
# One that is installed already, else our own.
GOLANGCI := $(or $(shell command -v golangci-lint || ls "$$($(GO) env GOPATH)/bin/golangci-lint" 2>/dev/null),bin/golangci-lint)

.PHONY: build deb release install test test-newest test-faults soak test-packages test-container test-slurm test-windows test-sim test-lab test-lab-bytes test-lab-short test-api test-walk fuzz bench lint lint-systems vet demo media-table clean

# Go notes tag and commit in the binary, which needs a git that trusts this folder.
VCS = $(shell git rev-parse -q --verify HEAD >/dev/null 2>&1 && echo true || echo false)

# One static file.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w' -o bin/distenc ./cmd/distenc

# The race detector needs a C compiler. mkvmerge, where a test calls it, takes file names in the locale's
# characters; the program itself sets that for its children. Packages are begun in this order, the longest first, and
# one more than there are cores: much of a test is waiting for a child or for a file to settle. `make lint` has go
# vet's checks. Mutants are to be noticed, not to be free of races: with the detector they cost six times as much.
LONGEST = ./test/farm ./pipeline/encode ./cmd/distenc ./test/sim
test: export LC_ALL = C.UTF-8
test:
	test/install-tools $(MEDIA) gcc strace
	CGO_ENABLED=1 $(GO) test -race -vet=off -p $$(($$(nproc) + 1)) -timeout 45m -skip TestMutants $(LONGEST) ./...
	$(GO) test -vet=off -timeout 45m -run TestMutants ./test/sim

# What runs ffmpeg, with the newest that is supported in place of the machine's, which makes the sources. RUN chooses tests.
NEWEST ?= ./pipeline/... ./cmd/internal/doctor
RUN    ?= .
test-newest: export LC_ALL = C.UTF-8
test-newest:
	test/install-tools $(MEDIA)
	test/newest-ffmpeg bin/newest
	DISTENC_TOOLS=$(CURDIR)/bin/newest $(GO) test -vet=off -timeout 30m -run '$(RUN)' $(NEWEST)

# The Debian package, built and installed on a copy of this machine that is thrown away. It needs root.
test-packages:
	test/install-tools $(MEDIA) lintian
	DISTENC_TEST_PACKAGES=1 $(GO) test -count=1 ./test/packages

# What runs on Windows, under wine, and Linux and Windows on one folder: docs/windows.md. FILMS of a mixed farm.
WINDOWS ?= ./lease/...
CHILDREN = Pause|AChild|ExitCodes|Arguments|NoChild|MemoryOfTheMachine
test-windows: export DISTENC_TEST_WINDOWS_TOOLS = $(CURDIR)/bin/windows
test-windows: export DISTENC_TEST_FILMS = $(FILMS)
test-windows: FILMS = 1
test-windows:
	test/install-tools $(MEDIA)
	test/windows/tools bin/windows
	test/windows/wine sh -c 'GOOS=windows CGO_ENABLED=0 $(GO) test -exec "$$WINE" $(WINDOWS) && \
		GOOS=windows CGO_ENABLED=0 $(GO) test -exec "$$WINE" -run "SMBClient|ShareOnDisk" ./cmd/internal/doctor && \
		GOOS=windows CGO_ENABLED=0 $(GO) test -exec "$$WINE" -run "$(CHILDREN)" ./pipeline/media && \
		GOOS=windows CGO_ENABLED=0 $(GO) test -exec "$$WINE" -run "AService|ALetter|ALog" ./cmd/distenc && \
		$(GO) test -count=1 -timeout 60m -parallel 8 ./test/windows'

# The script for clusters on a real Slurm of its own, on this machine. RUN chooses tests.
test-slurm:
	test/install-tools $(MEDIA) slurmctld munged
	DISTENC_TEST_SLURM=1 $(GO) test -count=1 -timeout 30m -run '$(RUN)' ./test/slurm

# The image, built of Debian's packages and run by podman: docs/containers.md. Where it can't run it says why, which is no
# failure.
test-container:
	@if [ "$$(id -u)" != 0 ]; then echo "test-container: skipped: it needs root"; \
	elif ! timeout 5m test/install-tools $(MEDIA) mmdebstrap podman runc; then echo "test-container: skipped: its packages can't be installed"; \
	else DISTENC_TEST_CONTAINER=1 $(GO) test -count=1 -v -timeout 30m ./test/container; fi

# Schemathesis against a real master: nothing that is asked over HTTP may be answered with a 5xx, or as it is not described.
test-api: build
	test/install-tools $(MEDIA) python3 pip3
	test/api $(CURDIR)/bin/distenc

# A browser's whole walk with a film of MB megabytes, and its pictures in PICTURES if that names a folder; then what
# attackers try, with 100,000 guesses.
MB ?= 2048
test-walk:
	test/install-tools $(MEDIA) chromium
	DISTENC_TEST_BROWSER=1 DISTENC_TEST_WALK=$(MB) DISTENC_TEST_PICTURES=$(PICTURES) DISTENC_TEST_GUESSES=100000 \
		$(GO) test -count=1 -v -timeout 60m -parallel 1 -run 'TestWalk|TestAttacks' ./test/farm

# Real NFS and SMB between machines that lose power, are cut off, stand still: docs/lab.md. It needs root.
# LAB=nfs3 or LAB=smb3/server runs a part.
LAB_TOOLS = linux.uml ip mkfs.ext4 insmod rpcbind rpc.nfsd mount.nfs smbd mount.cifs
RUN_LAB   = DISTENC_LAB=1 $(GO) test -count=1 -v -timeout 6h ./test/lab

test-lab:
	test/install-tools $(MEDIA) $(LAB_TOOLS)
	$(RUN_LAB) -run 'TestFaults/$(LAB)'

# What a film costs the network, by the clients' counters. LAB=nfs4 or LAB='smb3/range_1$$' runs a part.
test-lab-bytes:
	test/install-tools $(MEDIA) $(LAB_TOOLS)
	$(RUN_LAB) -run 'TestBytes/$(LAB)'

# One protocol and the loss of a worker and of the master, in a few minutes. Where it can't run it says why,
# which is no failure.
test-lab-short:
	@if [ "$$(id -u)" != 0 ]; then echo "test-lab-short: skipped: it needs root"; \
	elif ! timeout 3m test/install-tools $(MEDIA) $(LAB_TOOLS); then echo "test-lab-short: skipped: its packages can't be installed"; \
	else $(RUN_LAB) -short -timeout 15m; fi

# Kills and freezes real processes at random through many jobs, with people at work on the share; the output is compared frame by frame.
KILLS ?= 200
JOBS  ?= 20
test-faults:
	test/install-tools $(MEDIA)
	DISTENC_TEST_KILLS=$(KILLS) DISTENC_TEST_JOBS=$(JOBS) $(GO) test -count=1 -timeout 60m -v -run 'TestRandomKills' ./test/farm

# Many short films for MINUTES while masters and workers are restarted: do those that stay grow?
MINUTES ?= 60
FILMS   ?= 300
soak:
	test/install-tools $(MEDIA)
	DISTENC_TEST_SOAK=$(MINUTES) DISTENC_TEST_FILMS=$(FILMS) $(GO) test -count=1 -timeout 0 -v -run 'TestSoak' ./test/farm

# The simulated share: SEEDS of them, every operation of a job made to fail, every mutant. Minutes to an hour.
SEEDS ?= 2000
test-sim:
	$(GO) test ./test/sim -timeout 0 -v -run 'TestSeeds|TestMutants|TestEveryOperationFails' -seeds $(SEEDS) -procs $$(nproc) -every 1

# Every parser of what comes from outside, for FUZZTIME seconds in all, one after the other.
FUZZTIME ?= 600
fuzz:
	test/fuzz $(FUZZTIME)

# Ratios, both sides measured in one run, written into docs/performance.md. It wants the machine for itself for
# an hour, and 15 GB of disk. BENCH=Start, Encode, Quality, Search, Try, Scan, Split, Publish, Clips, Intake, Farm, Idle, Memory,
# Streams or Threads only prints a part (Threads//720p one size of it); DISTENC_BENCH_TIMES=N measures each side N times.
# DISTENC_BENCH_CLIPS=1000 has that many clips in place of 60, and DISTENC_BENCH_OLDER=BINARY measures another distenc with these
# and with Start.
BENCH ?=
bench:
	test/install-tools $(MEDIA)
	test/newest-ffmpeg bin/newest
	@mkdir -p bin
	@for part in media farm; do \
		DISTENC_BENCH=1 $(GO) test -count=1 -v -timeout 2h -run 'Test$(BENCH)' ./test/bench/$$part > bin/bench.log || { cat bin/bench.log; exit 1; }; \
		grep '^|\|^###\|^$$' bin/bench.log | tee bin/bench.md; \
		test -n "$(BENCH)" || sed -i -e "/<!-- measured: $$part /,/<!-- end/{//!d}" -e "/<!-- measured: $$part /r bin/bench.md" docs/performance.md; \
	done

vet:
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted: $$unformatted"; exit 1; }
	$(GO) vet ./...
	@for os in windows darwin; do \
		GOOS=$$os CGO_ENABLED=0 $(GO) vet ./cmd/... ./lease/... ./pipeline/... ./watcher || exit 1; \
	done

lint: vet $(GOLANGCI)
	$(GOLANGCI) run --allow-parallel-runners ./...

# The same rules on what is compiled for Windows and macOS only.
lint-systems: $(GOLANGCI)
	for system in windows darwin; do \
		CGO_ENABLED=0 GOOS=$$system $(GO) build ./... && CGO_ENABLED=0 GOOS=$$system \
		$(GOLANGCI) run --allow-parallel-runners ./cmd/... ./lease/... ./pipeline/... ./watcher || exit 1; \
	done

# Compiled here, which takes minutes, once.
bin/golangci-lint:
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

# INPUT=FILE encodes your own file, ENCODER=x265 or svtav1 with another encoder, DEMO_DIR=FOLDER says where.
ENCODER ?= x264
demo: build
	test/install-tools $(MEDIA)
	$(GO) run ./test/demo -distenc bin/distenc -dir "$(DEMO_DIR)" -input "$(INPUT)" -encoder "$(ENCODER)"

# What becomes of every source with each encoder: the table in docs/media/sources.md. SOURCES="FOLDER FOLDER" adds your
# own files; TABLE_DIR=FOLDER keeps outputs and certificates. ENCODERS=svtav1 makes that column alone, TOOLS=FOLDER has
# other tools, such as bin/newest (test/newest-ffmpeg), and TABLE=FILE is written in place of the document.
TABLE ?= docs/media/sources.md
media-table: build
	test/install-tools $(MEDIA)
	DISTENC_TOOLS="$(abspath $(TOOLS))" $(GO) run ./test/table -distenc bin/distenc -dir "$(TABLE_DIR)" -in "$(TABLE)" $(if $(ENCODERS),-encoders "$(ENCODERS)") $(SOURCES)

# Root need not have Go: what was built is installed.
bin/distenc:
	$(MAKE) build

# The units, and of each a template for several on one machine: distenc-worker@NAME reads /etc/distenc/NAME.toml.
.PHONY: install-units
install-units:
	install -d $(DESTDIR)$(UNITDIR)
	for unit in distenc-master distenc-worker; do \
		sed 's|/usr/local|$(PREFIX)|' systemd/$$unit.service > $(DESTDIR)$(UNITDIR)/$$unit.service && \
		sed 's|/etc/distenc/distenc\.toml|/etc/distenc/NAME.toml|; s|^Description=distenc [a-z]*|& %i|; '"s|edit $$unit|&@NAME|; "'s|^ExecStart=.*|& --config /etc/distenc/%i.toml|' \
			$(DESTDIR)$(UNITDIR)/$$unit.service > $(DESTDIR)$(UNITDIR)/$$unit@.service || exit 1; \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$unit.service $(DESTDIR)$(UNITDIR)/$$unit@.service; \
	done

install: $(BIN) $(TOOL) install-units
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/distenc
	install -D -m 644 config.example.toml $(SHARE)/doc/distenc/config.example.toml
	install -D -m 644 README.md $(SHARE)/doc/distenc/README.md
	install -D -m 644 slurm/distenc-worker.sbatch $(SHARE)/doc/distenc/distenc-worker.sbatch
	install -d $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	$(TOOL) man $(SHARE)/man/man1
	$(TOOL) completion bash > $(SHARE)/bash-completion/completions/distenc
	$(TOOL) completion zsh > $(SHARE)/zsh/site-functions/_distenc
	$(TOOL) completion fish > $(SHARE)/fish/vendor_completions.d/distenc.fish

# 1.2.3 at the tag v1.2.3; else the last tag with the day and the commit.
VERSION := $(shell git describe --exact-match --match 'v*' 2>/dev/null | sed 's/^v//' | grep . || \
	{ git describe --abbrev=0 --match 'v*' 2>/dev/null || echo v0.1.0; } | sed "s/^v//; s/$$/+$$(git log -1 --format=%cd.%h --date=format:%Y%m%d 2>/dev/null)/")
ARCHES = amd64 arm64
# What goes into each archive for a system without man pages.
PAPERS = LICENSE CHANGELOG.md README.md config.example.toml docs/windows.md
# Whoever builds a commit again gets the same bytes.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

bin/distenc-%: FORCE
	CGO_ENABLED=0 GOOS=linux GOARCH=$* $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w' -o $@ ./cmd/distenc
bin/darwin-%/distenc: FORCE
	CGO_ENABLED=0 GOOS=darwin GOARCH=$* $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w' -o $@ ./cmd/distenc
bin/windows-%/distenc.exe: FORCE
	CGO_ENABLED=0 GOOS=windows GOARCH=$* $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w' -o $@ ./cmd/distenc
FORCE:

# dist/distenc_VERSION_ARCH.deb. DEB_ARCH chooses another processor.
DEB_ARCH ?= $(shell $(GO) env GOARCH)
deb: build bin/distenc-$(DEB_ARCH)
	rm -rf bin/deb && install -d bin/deb/DEBIAN bin/deb/etc/distenc dist
	$(MAKE) install BIN=bin/distenc-$(DEB_ARCH) DESTDIR=bin/deb PREFIX=/usr UNITDIR=/lib/systemd/system
	gzip -9n bin/deb/usr/share/man/man1/*.1
	mv bin/deb/usr/share/zsh/site-functions bin/deb/usr/share/zsh/vendor-completions
	sed -E 's|^# share = |share = |; s/^(\S+ *=)/# \1/; s|^# share = |share = |' config.example.toml > bin/deb/etc/distenc/distenc.toml
	install -m 644 systemd/debian/copyright bin/deb/usr/share/doc/distenc/copyright
	gzip -9nc CHANGELOG.md > bin/deb/usr/share/doc/distenc/changelog.gz
	printf 'distenc (%s) unstable; urgency=medium\n\n  * See changelog.gz.\n\n -- %s  %s\n' '$(VERSION)-1' \
		"$$(sed -n 's/^Maintainer: //p' systemd/debian/control.in)" "$$(date -Ru -d @$(SOURCE_DATE_EPOCH))" | \
		gzip -9nc > bin/deb/usr/share/doc/distenc/changelog.Debian.gz
	install -D -m 644 systemd/debian/lintian-overrides bin/deb/usr/share/lintian/overrides/distenc
	sed 's/@VERSION@/$(VERSION)-1/; s/@ARCH@/$(DEB_ARCH)/' systemd/debian/control.in > bin/deb/DEBIAN/control
	echo /etc/distenc/distenc.toml > bin/deb/DEBIAN/conffiles
	install -m 755 systemd/debian/postinst systemd/debian/prerm systemd/debian/postrm bin/deb/DEBIAN
	chmod -R u=rwX,go=rX bin/deb
	dpkg-deb --root-owner-group -Zxz --build bin/deb dist/distenc_$(VERSION)-1_$(DEB_ARCH).deb

# Archives to unpack anywhere, and their sums.
release: build $(ARCHES:%=bin/distenc-%) $(ARCHES:%=bin/darwin-%/distenc) bin/windows-amd64/distenc.exe
	rm -rf bin/release && install -d dist
	for arch in $(ARCHES); do \
		name=distenc_$(VERSION)_linux_$$arch; \
		$(MAKE) install BIN=bin/distenc-$$arch DESTDIR=bin/release/$$name PREFIX= UNITDIR=/systemd || exit 1; \
		sed -i 's|ExecStart=/bin|ExecStart=/usr/local/bin|; s|/share/doc|/usr/local/share/doc|' bin/release/$$name/systemd/*.service; \
		cp LICENSE CHANGELOG.md README.md bin/release/$$name; \
		tar -C bin/release --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$(SOURCE_DATE_EPOCH) -cf - $$name | gzip -9n > dist/$$name.tar.gz; \
	done
	for arch in $(ARCHES); do \
		name=distenc_$(VERSION)_darwin_$$arch; \
		install -d bin/release/$$name; \
		cp bin/darwin-$$arch/distenc launchd/org.distenc.worker.plist $(PAPERS) bin/release/$$name || exit 1; \
		tar -C bin/release --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$(SOURCE_DATE_EPOCH) -cf - $$name | gzip -9n > dist/$$name.tar.gz; \
	done
	name=distenc_$(VERSION)_windows_amd64; \
	install -d bin/release/$$name && cp bin/windows-amd64/distenc.exe $(PAPERS) bin/release/$$name && \
	find bin/release/$$name -exec touch -d @$(SOURCE_DATE_EPOCH) {} + && \
	cd bin/release && rm -f ../../dist/$$name.zip && python3 -m zipfile -c ../../dist/$$name.zip $$name
	cd dist && sha256sum *.tar.gz *.zip *.deb 2>/dev/null > SHA256SUMS || true

clean:
	rm -rf bin dist
