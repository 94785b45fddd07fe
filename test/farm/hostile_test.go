//go:build linux

package farm_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// hostile is what somebody has put into an inbox, and what is to come of it. Names are below the inbox.
type hostile struct {
	refused map[string]string // a part of the sentence
	left    map[string]string // a part of why it is left alone
	done    []string
}

// plant fills an inbox. outside is a folder with films that a file leads to in one way or another.
func plant(t *testing.T, inbox, outside string) (h hostile) {
	h = hostile{refused: map[string]string{}, left: map[string]string{}}
	serial := 0
	film := func() []byte { // each is another one
		serial++
		return crafted(side, side, nil, nil, element(0xEC, fmt.Sprint("number ", serial)))
	}
	put := func(name string, data []byte) string {
		name = filepath.Join(inbox, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, data, 0o644))
		return name
	}
	refuse := func(name, why string, data []byte) { h.refused[name] = why; put(name, data) }
	take := func(name string, data []byte) { h.done = append(h.done, name); put(name, data) }
	other := filepath.Join(outside, "canary.mkv")
	require.NoError(t, os.WriteFile(other, film(), 0o600))

	// Lists under a film's name, and under their own.
	for name, text := range map[string]string{
		"hls.mkv":    "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n%s\n#EXT-X-ENDLIST\n",
		"list.m3u8":  "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://%s\n#EXT-X-ENDLIST\n",
		"concat.mkv": "ffconcat version 1.0\nfile '%s'\n", "subfile.ts": "#EXTM3U\n#EXTINF:1,\nsubfile,,start,0,end,0,,:%s\n",
		"session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=%s\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
		"list.xspf":   `<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList><track><location>file://%s</location></track></trackList></playlist>`,
		"dash.mp4":    `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>%s</BaseURL></Representation></AdaptationSet></Period></MPD>`,
	} {
		refuse(name, "This ", fmt.Appendf(nil, text, other))
	}

	// Films whose names mean something to a tool, a shell or a terminal.
	for _, name := range []string{
		"http:evil.mkv", "concat:a|b.mkv", "-i.mkv", "%03d.mkv", "new\nline\x1b[2J.mkv", "\xff\xfe.mkv",
		"$(touch x);`id`'\".mkv", "file:%2e%2e.mkv",
		"..evil..mkv.mkv", "a." + strings.Repeat("b", 253),
	} {
		if strings.HasPrefix(name, ".") { // hidden: nobody's file yet
			put(name, film())
			continue
		}
		take(name, film())
	}

	// Films that lead to other files by themselves.
	take("linked.mkv", linked(other))
	take("late.mkv", crafted(side, side, nil, nil, chapters(nil))) // without an index to say where they are
	refuse("text.mkv", "can't read it as a video", []byte("whatever"))
	for _, name := range []string{"reason.txt", "log.txt", "from.json"} { // as ours beside what was refused
		h.left[name] = companion
		put(name, film())
	}
	mov := filepath.Join(outside, "good.mov")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.2", "-c:v", "libx264",
		mov).CombinedOutput()
	require.NoError(t, err, "%s", out)
	good, err := os.ReadFile(mov)
	require.NoError(t, err)
	refuse("reference.mov", "no pictures", withReference(t, good, mov))

	// Films that are more than they seem.
	refuse("million.mkv", "size or pixel format can't be told", crafted(1_000_000, 1_000_000, nil, nil))
	refuse("million.y4m", "its pictures would be 1000000×1000000",
		[]byte("YUV4MPEG2 W1000000 H1000000 F25:1 Ip A1:1 C420jpeg\nFRAME\n"))
	refuse("header.mkv", "mkvmerge was stopped: it wrote more than", headerBomb(1<<20, 100))
	refuse("nested.mkv", "mkvextract was stopped: it printed more than", nested(20000))
	take("zlib.mkv", zlibBomb(t, 100<<20))
	font := strings.Repeat("font", 5<<20)
	require.NoError(t, os.WriteFile(filepath.Join(outside, "font.ttf"), []byte(font), 0o600))
	args := []string{"-q", "-o", put("fonts.mkv", nil)}
	for i := range 200 {
		require.NoError(t, os.WriteFile(filepath.Join(outside, fmt.Sprintf("%d.ttf", i)), fmt.Append(nil, "small font ", i),
			0o600))
		args = append(args, "--attach-file", filepath.Join(outside, fmt.Sprintf("%d.ttf", i)))
	}
	out, err = exec.Command("mkvmerge", append(args, "--attach-file", filepath.Join(outside, "font.ttf"),
		other)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	h.done = append(h.done, "fonts.mkv")

	// Settings with paths in them.
	for name, c := range map[string]struct{ toml, says string }{
		"profile":   {`profile = "../../../etc"`, "no profile name"},
		"option":    {`x264 = "--dump-yuv ` + outside + `/x"`, "--dump-yuv can't be used"},
		"matrix":    {`x264 = "--cqm /etc/passwd"`, "it takes flat, jvt"},
		"nonce":     {`nonce = "../../x"`, "nonce: must be"},
		"container": {`container = "../x"`, "must be mkv or mp4"},
	} {
		put("settings-"+name+".mkv.distenc.toml", []byte(c.toml))
		refuse("settings-"+name+".mkv", c.says, film())
	}

	// What is no file.
	link := func(name, target string) {
		h.left[name] = "a symbolic link"
		require.NoError(t, os.Symlink(target, filepath.Join(inbox, name)))
	}
	link("passwd.mkv", "/etc/passwd")
	link("canary.mkv", other)
	link("outside", outside)
	link("dangling.mkv", "/nowhere/x.mkv")
	link("loop.mkv", "loop.mkv")
	link("up", "..")
	h.left["second-name.mkv"], h.left["fifo.mkv"], h.left["socket.mkv"] = "2 names (hard links)", "a FIFO", "a socket"
	require.NoError(t, os.WriteFile(filepath.Join(outside, "first-name.mkv"), film(), 0o600))
	require.NoError(t, os.Link(filepath.Join(outside, "first-name.mkv"), filepath.Join(inbox, "second-name.mkv")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(inbox, "fifo.mkv"), 0o666))
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(inbox, "socket.mkv"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	// /dev/zero; for root alone
	if err := syscall.Mknod(filepath.Join(inbox, "device.mkv"), syscall.S_IFCHR|0o666, 1<<8|5); err == nil {
		h.left["device.mkv"] = "a device"
	}
	require.NoError(t, os.Mkdir(filepath.Join(inbox, "empty.mkv"), 0o755))
	take("folder.mkv/inside.mkv", film())
	take("zz-last.mkv", film())
	return h
}

// companion is why a text is left alone.
const companion = "it goes with a film"

// Everything that is hostile lies in one inbox. Each is encoded, refused with a sentence or left alone; no file outside
// the share is read, made, changed or removed; and the daemons go on.
func TestHostileInputIsHarmless(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	outside := t.TempDir()
	h := plant(t, filepath.Join(f.dir, "inbox"), outside)
	before := listing(t, outside)

	log := filepath.Join(t.TempDir(), "strace")
	d := f.prepare("run", "--slots", "2")
	d.Dir = f.dir
	seen := traced(d.Cmd, log)
	f.launch(d)
	for name, part := range h.refused {
		folder := filepath.Join(f.dir, "failed", name)
		f.eventually("refused: "+name, func() bool { return exists(filepath.Join(folder, name)) })
		reason, err := os.ReadFile(filepath.Join(folder, "reason.txt"))
		require.NoError(t, err)
		require.Contains(t, string(reason), part, name)
		require.Regexp(t, `(?s)^[A-Z].*\n$`, string(reason), name)
		t.Logf("%q: %s", name, reason)
	}
	for _, name := range h.done {
		out := filepath.Join(f.dir, "outbox", filepath.Dir(name), pipeline.OutputName(filepath.Base(name), "mkv", ""))
		f.eventually(fmt.Sprintf("done: %q", name), func() bool { return exists(out) })
	}
	for name := range h.left {
		_, err := os.Lstat(filepath.Join(f.dir, "inbox", name))
		require.NoError(t, err)
	}
	waiting := map[string]string{}
	for _, w := range f.status().Inbox {
		waiting[w.Name] = w.Why
	}
	for name, why := range h.left {
		require.Contains(t, waiting[name], why, name)
		if why != companion {
			require.Contains(t, d.log.String(), "name=inbox/"+name+" reason=", "the log tells it")
		}
	}
	f.eventually("the master is heard of", func() bool { s := f.status(); return s.Master != nil && !s.Master.Silent })
	d.stop(t)
	require.True(t, d.ProcessState.Success(), "the daemon ended when it was told to, and not before")
	require.Equal(t, before, listing(t, outside))
	if !seen {
		t.Skip("strace can't run here: what was opened is not known")
	}
	opened := requireConfined(t, log, f.dir, filepath.Dir(binary))
	require.Greater(t, opened, 1000, "strace saw the children too")
	t.Logf("%d files were opened, all of them on the share or the tools' own", opened)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// listing is what lies in a folder, with all that a change would change.
func listing(t *testing.T, dir string) (all []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		st := info.Sys().(*syscall.Stat_t)
		all = append(all, fmt.Sprint(e.Name(), info.Mode(), info.Size(), info.ModTime(), st.Ino, st.Ctim, st.Nlink))
	}
	return all
}
