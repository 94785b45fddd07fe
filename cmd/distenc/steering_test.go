package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-rod/rod"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/reread"
	"github.com/distenc/distenc/cmd/internal/web"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
	"github.com/distenc/distenc/test/browser"
)

const (
	steeredJob   = "0badcafe-aaaaa"
	steeredToken = "0123456789abcdef"
)

// steerScenes put film.mkv on the share in each state that it can be in, and return the word for it.
var steerScenes = map[string]func(t *testing.T, f *sharefs.FS) string{
	"nothing": func(*testing.T, *sharefs.FS) string { return "film.mkv" },
	"waiting": func(t *testing.T, f *sharefs.FS) string {
		require.NoError(t, f.Create("inbox/film.mkv", []byte("film")))
		return "inbox/film.mkv"
	},
	"live": liveJob,
	"paused": func(t *testing.T, f *sharefs.FS) string {
		require.NoError(t, pipeline.Ask(f, liveJob(t, f), pipeline.ControlPause, ""))
		return steeredJob
	},
	"set aside": func(t *testing.T, f *sharefs.FS) string {
		liveJob(t, f)
		c := pipeline.ChunkFile{Job: steeredJob, Attempt: 3, Kind: pipeline.KindRange}.In(pipeline.Failed)
		require.NoError(t, f.MkdirAll(pipeline.SetAsideOf(steeredJob)))
		require.NoError(t, f.Create(c.Path(), nil))
		return steeredJob
	},
	"failed": func(t *testing.T, f *sharefs.FS) string {
		liveJob(t, f)
		_, err := pipeline.Decide(f, steeredJob, pipeline.Decision{Act: pipeline.ActFailed, Reason: "r"})
		require.NoError(t, err)
		source := refuseFilm(t, f, pipeline.JobFile(steeredJob, "source.mkv"))
		require.NoError(t, status.Close(f, steeredJob, pipeline.Closed{Act: pipeline.ActFailed, Reason: "r", Source: source}))
		return steeredJob
	},
	"refused": func(t *testing.T, f *sharefs.FS) string {
		require.NoError(t, f.Create("inbox/film.mkv", []byte("film")))
		refuseFilm(t, f, "inbox/film.mkv")
		return "failed/film.mkv"
	},
}

// restScenes put the machine desk-5 on the share in each state that people can bring it into, and return a word for it.
var restScenes = map[string]func(t *testing.T, f *sharefs.FS) string{
	"no machine": func(*testing.T, *sharefs.FS) string { return "desk-5" },
	"awake":      liveMachine,
	"asked": func(t *testing.T, f *sharefs.FS) string {
		require.NoError(t, (&pipeline.Rest{Host: "desk-5", By: "berta"}).Write(f))
		return liveMachine(t, f)
	},
	"asked, now": func(t *testing.T, f *sharefs.FS) string {
		require.NoError(t, (&pipeline.Rest{Host: "desk-5", By: "berta", Now: true}).Write(f))
		return liveMachine(t, f)
	},
}

// liveMachine has two workers.
func liveMachine(t *testing.T, f *sharefs.FS) string {
	for _, node := range []string{"desk-5-wabcde", "desk-5-wfghij"} {
		require.NoError(t, (&pipeline.Node{Node: node, State: pipeline.NodeIdle}).Write(f))
	}
	return "desk-5"
}

// liveJob is a job with a plan of one chunk.
func liveJob(t *testing.T, f *sharefs.FS) string {
	j := pipeline.Job{ID: steeredJob, Inbox: "film.mkv", Source: "source.mkv", CRC32: "0BADCAFE"}
	j.Settings.Container = "mkv"
	require.NoError(t, j.Create(f))
	require.NoError(t, f.Create(pipeline.JobFile(steeredJob, j.Source), []byte("film")))
	plan := &pipeline.Plan{
		Job: steeredJob, Input: pipeline.Input{Source: "source.mkv", Original: "source.mkv"}, Frames: 1,
		Video:  pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 1000}},
		Chunks: []pipeline.Chunk{{PTS: pipeline.NewTimestamps(0)}},
	}
	_, err := plan.Publish(f)
	require.NoError(t, err)
	return steeredJob
}

func refuseFilm(t *testing.T, f *sharefs.FS, source string) pipeline.RawName {
	r := pipeline.Reject{Source: source, Sidecar: pipeline.SidecarBeside(source), Inbox: "film.mkv", Reason: "r"}
	dst, err := r.PutAside(t.Context(), f)
	require.NoError(t, err)
	return dst
}

// siteOf serves a share as a master does, with a token for the user who runs the tests.
func siteOf(t *testing.T, f *sharefs.FS) string {
	t.Helper()
	me, err := user.Current()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(steeredToken+" "+me.Username+"\n"), 0o600))
	log := slog.New(slog.DiscardHandler)
	tokens, err := reread.New(log, func() (control.Tokens, error) { return control.ReadTokens(file) }, file)
	require.NoError(t, err)
	latest := func() *status.Status {
		s, err := status.NewReader(f, wishes, 0).Read(t.Context())
		require.NoError(t, err)
		return s
	}
	var steering *web.Steering
	steering = web.NewSteering(control.New(control.Options{
		Tokens: tokens, Log: log, Latest: latest, Asked: func() { steering.Publish(latest()) },
		Desk: func(by string) steer.Desk { return steer.Desk{Share: f, Settings: sidecars{}, By: by} },
	}))
	steering.Publish(latest())
	site := web.Site{Latest: latest, Log: log, Metrics: http.NotFoundHandler(), Steering: steering}
	server := httptest.NewServer(site.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return server.URL
}

// asking is one wish as each way has it.
type asking struct {
	command []string // WORD is its word
	things  string
	verb    string
	body    string // of a request
	button  string // what it has besides its verb, as a selector
	scenes  map[string]func(t *testing.T, f *sharefs.FS) string
}

func (a asking) String() string { return strings.Join(a.command, " ") }

// askings are those of which the ways are to come to the same.
var askings = []asking{
	{[]string{"pause", "WORD"}, control.Jobs, "pause", "{}", "", steerScenes},
	{[]string{"resume", "WORD"}, control.Jobs, "resume", "{}", "", steerScenes},
	{[]string{"cancel", "WORD"}, control.Jobs, "cancel", "{}", "", steerScenes},
	{[]string{"retry", "WORD"}, control.Jobs, "retry", "{}", "", steerScenes},
	{[]string{"priority", "WORD", "1"}, control.Jobs, "priority", `{"priority": 1}`, "", steerScenes},
	{[]string{"nodes", "rest", "WORD"}, control.Nodes, "rest", "{}", ":not([data-now])", restScenes},
	{[]string{"nodes", "rest", "WORD", "--now"}, control.Nodes, "rest", `{"now": true}`, "[data-now]", restScenes},
	{[]string{"nodes", "wake", "WORD"}, control.Nodes, "wake", "{}", "", restScenes},
}

// way asks something in one of the ways that there are. It returns the sentence that answers, and whether it was done;
// offered is false where there is nothing to press.
type way func(t *testing.T, f *sharefs.FS, a asking, word string) (text string, done, offered bool)

func byCommand(more []string, a asking, word string) (string, bool, bool) {
	args := append(slices.Clone(a.command), more...)
	args[slices.Index(args, "WORD")] = word
	var out, errs bytes.Buffer
	if code := run(args, &out, &errs); code == 0 {
		return strings.TrimSpace(out.String()), true, true
	}
	said := strings.TrimPrefix(strings.TrimSpace(errs.String()), "distenc: ")
	return strings.TrimSpace(strings.Split(said, "\nRun '")[0]), false, true
}

// steerWays are the ways without a browser.
var steerWays = map[string]way{
	"command": func(t *testing.T, f *sharefs.FS, a asking, word string) (string, bool, bool) {
		return byCommand([]string{"--share", f.Root()}, a, word)
	},
	"command elsewhere": func(t *testing.T, f *sharefs.FS, a asking, word string) (string, bool, bool) {
		t.Setenv("DISTENC_TOKEN", steeredToken)
		return byCommand([]string{"--of", siteOf(t, f)}, a, word)
	},
	"interface": func(t *testing.T, f *sharefs.FS, a asking, word string) (string, bool, bool) {
		address := siteOf(t, f) + control.Prefix + a.things + "/" + url.PathEscape(word) + "/" + a.verb
		r, err := http.NewRequest("POST", address, strings.NewReader(a.body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+steeredToken)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		var told struct{ Text, Detail string }
		data, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &told), "%s", data)
		return told.Text + told.Detail, answer.StatusCode == 200, true
	},
}

// byPage logs in, presses the button, and reads what the page says.
func byPage(driven *rod.Browser) way {
	return func(t *testing.T, f *sharefs.FS, a asking, word string) (string, bool, bool) {
		page := driven.MustIncognito().MustPage(siteOf(t, f)).Timeout(browser.Patience)
		defer page.MustClose()
		page.MustElement("#token").MustInput(steeredToken)
		loaded := page.MustWaitNavigation()
		page.MustElement("#login button").MustClick()
		loaded()
		page.MustElement("body.steers")
		press := `.verbs[data-word=` + string(must(json.Marshal(word))) + `] [data-verb=` + a.verb + `]` + a.button
		if has, _, err := page.Has(press); err != nil || !has {
			return "", false, false
		}
		page.MustElement(press).MustClick()
		if a.verb == "cancel" {
			page.MustElement("#sure[open] [value=yes]").MustClick()
		}
		said := page.MustElement("#said:not([hidden])")
		return said.MustText(), !strings.Contains(*said.MustAttribute("class"), "wrong"), true
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	fresh   = regexp.MustCompile(`\.[a-z0-9]{8}\.(txt|range)$`)
	written = regexp.MustCompile(`^[0-9T:-]+Z `)
)

// contents is what lies on a share, without what is new each time.
func contents(t *testing.T, f *sharefs.FS) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, filepath.WalkDir(f.Root(), func(name string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		if e.IsDir() && e.Name() == path.Base(pipeline.RestDir) {
			all[e.Name()] = rests(t, f)
			return nil
		}
		if e.IsDir() || e.Name() == "distenc.toml" || e.Name() == "closed" || strings.HasSuffix(name, ".json") {
			return nil
		}
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		var d pipeline.Decision
		if e.Name() == "decision" && json.Unmarshal(data, &d) == nil {
			data = []byte(string(d.Act) + " " + d.Reason)
		}
		rel, err := filepath.Rel(f.Root(), name)
		require.NoError(t, err)
		all[fresh.ReplaceAllString(rel, ".$1")] = written.ReplaceAllString(string(data), "")
		return nil
	}))
	return all
}

// rests is which machines are asked to rest, how, and by whom, wherever that is.
func rests(t *testing.T, f *sharefs.FS) string {
	all, err := pipeline.LoadRests(f)
	require.NoError(t, err)
	text := ""
	for host, r := range all {
		by, _, _ := strings.Cut(r.By, " on ")
		text += fmt.Sprintln(host, by, r.Now)
	}
	return text
}

// idle reports whether a wish is granted that changes nothing that counts: the page has no button for it.
func idle(a asking, scene string) bool {
	switch a.verb {
	case "resume":
		return scene != "paused"
	case "pause":
		return scene == "paused"
	case "rest":
		return scene == "asked, now" || scene == "asked" && a.body == "{}"
	case "wake":
		return scene == "awake"
	}
	return false
}

// The same wish comes to the same, with the same sentence, whichever way it is asked. Where nothing can come of it the
// page offers no button.
func TestAWishComesToTheSameWhicheverWay(t *testing.T) {
	ways := map[string]way{}
	for name, ask := range steerWays {
		ways[name] = ask
	}
	if browser.There() {
		ways["page"] = byPage(browser.New(t).Drive())
	}
	for _, a := range askings {
		for scene, put := range a.scenes {
			type outcome struct {
				text  string
				done  bool
				share map[string]string
			}
			outcomes := map[string]outcome{}
			for name, ask := range ways {
				t.Run(a.String()+", "+scene+", "+name, func(t *testing.T) {
					var errs bytes.Buffer
					dir := filepath.Join(t.TempDir(), "share")
					require.Equal(t, 0, run([]string{"init", dir}, io.Discard, &errs), &errs)
					f, err := sharefs.Open(dir)
					require.NoError(t, err)
					text, done, offered := ask(t, f, a, put(t, f))
					if offered {
						outcomes[name] = outcome{strings.ReplaceAll(text, dir, "SHARE"), done, contents(t, f)}
					} else {
						outcomes[name] = outcome{"not offered", false, contents(t, f)}
					}
				})
			}
			want := outcomes["command"]
			require.NotEmpty(t, want.text)
			for name, got := range outcomes {
				if got.text == "not offered" {
					require.True(t, !want.done || idle(a, scene), "%s, %s", a, scene)
					continue
				}
				require.Equal(t, want, got, "%s, %s: %s", a, scene, name)
			}
		}
	}
}
