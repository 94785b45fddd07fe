package stages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"strings"
	"sync"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Builds is which builds of the encoders this machine's ffmpeg has, and which metrics. Each is tried once with a
// picture, when it is asked for, and again when ffmpeg has become another one. Safe for concurrent use.
type Builds struct {
	tools media.Tools
	asked bool // All tells only of those that were asked for

	mu      sync.Mutex // held while one is tried: who asks meanwhile waits for that
	ffmpeg  os.FileInfo
	offers  map[string]offer          // by encoder
	metrics map[pipeline.Metric]error // why one can't be measured, nil where it can
}

// offer is what was found of one encoder. It is replaced, never written to.
type offer struct {
	pipeline.Offer
	tried map[string]bool // pixel formats
}

// usual are the pixel formats that each encoder is tried with. Its build is known by what it writes for these.
var usual = []string{"yuv420p", "yuv420p10le"}

// NewBuilds returns what is known of no encoder yet. onlyAsked spares the trial of those that nobody asks for.
func NewBuilds(tools media.Tools, onlyAsked bool) *Builds {
	return &Builds{tools: tools, asked: onlyAsked}
}

// Of returns the build of an encoder. The error says why it can't encode pictures of that format here, a
// *pipeline.Refusal, or why that can't be known now.
func (b *Builds) Of(ctx context.Context, name, format string) (pipeline.Build, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.look()
	o, err := b.offer(ctx, name, format)
	if err != nil {
		return pipeline.Build{}, err
	}
	if fault := o.Fault(format); fault != "" {
		return o.Build, &pipeline.Refusal{Reason: fault}
	}
	return o.Build, nil
}

// All returns the builds of all encoders; those that can't be tried now are left out.
func (b *Builds) All(ctx context.Context) (all []pipeline.Offer) {
	for _, e := range encoder.All() {
		if !b.asked {
			_, _ = b.Of(ctx, e.Name(), usual[0]) // what was found is read below
		}
		b.mu.Lock()
		if o, known := b.offers[e.Name()]; known {
			all = append(all, o.Offer)
		}
		b.mu.Unlock()
	}
	return all
}

// Forget has an encoder tried anew, whatever is known from earlier runs.
func (b *Builds) Forget(name string) {
	b.tools.Facts.Doubt()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.offers, name)
}

// look forgets all if ffmpeg was replaced. Of libraries it learns nothing: they tell their version in each encode.
func (b *Builds) look() {
	now, err := os.Stat(b.tools.FFmpeg)
	if err != nil { // in the middle of an upgrade: what is encoded now will tell
		return
	}
	was := b.ffmpeg
	if was == nil || !sharefs.SameFile(was, now) || !was.ModTime().Equal(now.ModTime()) || was.Size() != now.Size() {
		b.ffmpeg, b.offers, b.metrics = now, map[string]offer{}, map[pipeline.Metric]error{}
	}
}

// offer returns what is known of an encoder, after it was tried with the usual formats and this one.
func (b *Builds) offer(ctx context.Context, name, format string) (offer, error) {
	o, known := b.offers[name]
	if !known {
		o = offer{Offer: pipeline.Offer{Build: pipeline.Build{Encoder: name}}}
		headers := sha256.New()
		for _, f := range usual {
			trial, err := b.try(ctx, &o, f)
			if err != nil {
				return o, err
			}
			if o.Version == "" {
				o.Version = trial.Version
			}
			headers.Write([]byte(f + trial.Headers + "\n")) // never fails
		}
		if o.Version != "" {
			o.Headers = hex.EncodeToString(headers.Sum(nil))
		}
	}
	if !o.tried[format] && o.Version != "" {
		o.tried, o.Lacks = maps.Clone(o.tried), maps.Clone(o.Lacks)
		if _, err := b.try(ctx, &o, format); err != nil {
			return o, err
		}
	}
	if b.offers == nil {
		b.offers = map[string]offer{}
	}
	b.offers[name] = o
	return o, nil
}

// try notes what came of one format. The error is no fault of the encoder's.
func (b *Builds) try(ctx context.Context, o *offer, format string) (encode.Tried, error) {
	trial, err := encode.Try(ctx, b.tools, o.Encoder, format)
	if err != nil && !media.Settles(err) && !refused(err) {
		return trial, err
	}
	if o.tried == nil {
		o.tried, o.Lacks = map[string]bool{}, map[string]string{}
	}
	o.tried[format] = true
	if err != nil {
		o.Lacks[format], _, _ = strings.Cut(err.Error(), "\n")
	}
	return trial, nil
}

func refused(err error) bool {
	_, is := errors.AsType[*pipeline.Refusal](err)
	return is
}
