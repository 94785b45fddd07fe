package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/pipeline"
)

// Whatever anyone drops into the inbox ends as a valid sidecar, which can be written and read again, or as
// an *Error.
func FuzzParseSidecar(f *testing.F) {
	f.Add([]byte("profile = 'a'\nsize = 3"))
	f.Add([]byte("a = {b = {c = 1}}"))
	f.Add([]byte("profile.x = 1\n[[again]]"))
	f.Add([]byte("x264 = '--crf 20'\ncontainer = 'mp4'\npriority = -3\nagain = true\nnonce = 'abcdefgh'"))
	f.Add([]byte("profile = '../../etc'\nnonce = '../x'"))
	f.Add([]byte("audio = 'aac 160k'\nsubtitles = 'none'\ncrop = '1920:800:0:140'\nscale = '1280x720 enlarge'\ndeinterlace = 'yes'\nodd = 'pad'\nmax_size = '95%'"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSidecar("s", data)
		if err != nil {
			requireError(t, err)
			return
		}
		require.NotRegexp(t, `/|\.\.$`, s.Profile+s.Nonce+s.Choices["container"])
		_ = s.Over(pipeline.Settings{})
		written, err := s.Encode()
		require.NoError(t, err)
		again, err := ParseSidecar("s", written)
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}

// The same of the file on the share, through all that Load does with it: what comes out obeys the rules.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("watch = {settle = '30s'}\n[profiles.'a.b']\nx264 = '--crf 1'"))
	f.Add([]byte("profiles.x.x264 = 1"))
	f.Add([]byte("[lease]\nheartbeat = '1s'\nexpiry = '4s'\n[worker]\nslots = 2\nhours = '22:00-07:00'\nmax_load = 1.5\n" +
		"[disk]\nmin_free = '2GiB'\n[hooks]\ndone = ['/bin/true']\n[http]\nlisten = ':80'"))
	f.Add([]byte("[Profiles.A]\naudio = 'copy'\n[profiles.a]\ncontainer = 'mp4'"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, ShareFile), data, 0o600))
		c, err := Load(Source{Flags: []Flag{{Name: "--share", Key: "share", Value: dir}}})
		if err != nil {
			requireError(t, err)
			return
		}
		require.Equal(t, dir, c.Share)
		require.GreaterOrEqual(t, c.Lease.Expiry, lease.MinBeats*c.Lease.Heartbeat)
		require.Greater(t, c.Lease.Heartbeat, time.Duration(0))
		require.True(t, c.Worker.Slots >= 0 && c.Worker.Slots <= 1024 && c.Disk.MinFree >= 0)
		for _, name := range c.ProfileNames() {
			require.Regexp(t, profileName, name)
			p, found := c.Profile(name)
			require.True(t, found)
			require.Contains(t, []pipeline.Container{pipeline.MKV, pipeline.MP4}, p.Container)
			require.Equal(t, "x264", p.Encoder)
		}
	})
}

// requireError wants mistakes to say where they are.
func requireError(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Fatalf("not an *Error: %v", err)
	}
}

func FuzzHours(f *testing.F) {
	f.Add("22:00-07:00,12:00-13:00")
	f.Add(" 0:00 - 24:00 ")
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := ParseHours(s); err == nil {
			again, err := ParseHours(h.String())
			require.NoError(t, err)
			require.Equal(t, h, again)
			for _, p := range h.spans {
				require.True(t, p.from >= 0 && p.from < day && p.to >= 0 && p.to <= day)
			}
		}
	})
}

func FuzzTexts(f *testing.F) {
	f.Add("1.5TiB")
	f.Add("1h30m")
	f.Add("0x1p62B")
	f.Add(`["a","b"]`)
	f.Fuzz(func(t *testing.T, s string) {
		var n size
		if n.UnmarshalText([]byte(s)) == nil {
			require.GreaterOrEqual(t, n, size(0))
		}
		if d, err := parseDuration(s); err == nil {
			again, err := parseDuration(d.String())
			require.NoError(t, err)
			require.Equal(t, d, again)
		}
		var asked pipeline.Size
		if asked.UnmarshalText([]byte(s)) == nil {
			again := pipeline.Size{}
			require.NoError(t, again.UnmarshalText([]byte(asked.String())))
			require.Equal(t, asked, again)
			require.GreaterOrEqual(t, asked.Bytes(1<<40, 3600), int64(0))
		}
		_, _ = parseList(s)
	})
}
