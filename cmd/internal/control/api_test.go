package control

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/handin"
	"github.com/distenc/distenc/cmd/internal/reread"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

const (
	token = "0123456789abcdef"
	job   = "0badcafe-aaaaa"
)

// plain are settings beside a film that hold nothing.
type plain struct{}

func (plain) Amend(string, []byte, steer.Wishes) ([]byte, error) { return []byte("x"), nil }

func (plain) Nonce([]byte) string { return "" }

// testControl steers a share that holds one job without a plan, and a film.
func testControl(t *testing.T) (*Control, *sharefs.FS) {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	j := pipeline.Job{ID: job, Inbox: "film.mkv", Source: "source.mkv", CRC32: "0BADCAFE"}
	j.Settings.Container = "mkv"
	require.NoError(t, j.Create(share))
	require.NoError(t, share.Create("inbox/other <b>.mkv", []byte("film")))
	require.NoError(t, (&pipeline.Rest{Host: "desk-5", By: "berta"}).Write(share))
	log := slog.New(slog.DiscardHandler)
	name := tokenFile(t, token+" anna\n")
	tokens, err := reread.New(log, func() (Tokens, error) { return ReadTokens(name) }, name)
	require.NoError(t, err)
	return New(Options{Tokens: tokens, Log: log, Asked: func() {},
		Desk: func(by string) steer.Desk { return steer.Desk{Share: share, Settings: plain{}, By: by} },
		Latest: func() *status.Status {
			s, err := status.Read(share, nil)
			require.NoError(t, err)
			s.Nodes = []status.Node{{Node: "pc-1-w12345", State: pipeline.NodeIdle, Chunks: []string{}}}
			s.Inbox = []status.Waiting{{Name: "other <b>.mkv"}}
			s.Master = &status.Master{Node: "nas-1-m12345"}
			return s
		}, Files: testFiles(share)}), share
}

// request asks as a program with a token does.
func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, "http://localhost:8470"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func answer(c *Control, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, r)
	return w
}

func TestEveryRouteIsDescribedAndTheReverse(t *testing.T) {
	document, err := libopenapi.NewDocument(description)
	require.NoError(t, err)
	v, errs := validator.NewValidator(document)
	require.Empty(t, errs)
	valid, wrong := v.ValidateDocument()
	require.True(t, valid, "%v", wrong)

	model, err := document.BuildV3Model()
	require.NoError(t, err)
	var described, routed []string
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().KeysFromOldest() {
			described = append(described, strings.ToUpper(method)+" "+strings.TrimPrefix(path, "/"))
		}
	}
	c, _ := testControl(t)
	for _, r := range c.routes() {
		routed = append(routed, r.method+" "+strings.Replace(r.path, "...}", "}", 1))
	}
	require.ElementsMatch(t, described, routed)
}

// Whatever is answered is as the description has it: its code, its type and its content.
func TestAnswersAreAsDescribed(t *testing.T) {
	document, err := libopenapi.NewDocument(description)
	require.NoError(t, err)
	v, errs := validator.NewValidator(document)
	require.Empty(t, errs)
	film, verb := Prefix+"jobs/"+job, func(path, body string) *http.Request { return request("POST", path, body) }
	nobody := request("GET", Prefix+"status", "")
	nobody.Header.Del("Authorization")
	foreign := verb(film+"/cancel", "")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	form := verb(film+"/cancel", "")
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	put := func(path, body string, place ...string) *http.Request {
		r := request("PUT", Prefix+"inbox/"+path, body)
		r.Header.Set("Content-Type", "application/octet-stream")
		for _, p := range place {
			r.Header.Set("Content-Range", p)
		}
		return r
	}
	ranges := func(text string) *http.Request {
		r := request("GET", Prefix+"outbox/film%20one.mkv", "")
		r.Header.Set("Range", text)
		return r
	}
	for _, step := range []struct {
		r    *http.Request
		code int
		has  string
	}{
		{request("GET", Prefix+"openapi.yaml", ""), 200, "openapi: 3.1.0"},
		{request("GET", Prefix+"status", ""), 200, job},
		{nobody, 401, "a token is wanted"},
		{verb(film+"/pause", ""), 200, "film.mkv is paused"},
		{verb(film+"/pause", `{"now": true}`), 200, `"state": "paused"`},
		{verb(film+"/resume", "{}"), 200, "film.mkv goes on"},
		{verb(film+"/priority", `{"priority": 0}`), 200, `"priority": 0`},
		{verb(film+"/priority", `{"priority": 1001}`), 422, "from -1000 to 1000"},
		{verb(film+"/priority", `{}`), 422, "a priority is wanted"},
		{verb(film+"/priority", `{"priority": "5"}`), 400, "can't be read"},
		{verb(film+"/retry", ""), 409, "not_now"},
		{verb(Prefix+"jobs/none/pause", ""), 404, "there is no job"},
		{verb(Prefix+"jobs/mkv/pause", ""), 409, "ambiguous"},
		{verb(Prefix+"jobs/inbox%2Fother%20%3Cb%3E.mkv/pause", ""), 200, "paused"},
		{verb(Prefix+"nodes/desk/rest", `{"now": true}`), 200, "desk-5 claims nothing more"},
		{verb(Prefix+"nodes/desk-5/wake", ""), 200, "not asked to rest"},
		{verb(Prefix+"nodes/nas/wake", ""), 404, "there is no node"},
		{foreign, 403, "another site"},
		{form, 415, "a body is JSON"},
		{verb(film+"/pause", `{"now": true} {}`), 400, "something follows"},
		{verb(film+"/pause", `{"later": true}`), 400, "unknown field"},
		{verb(film+"/pause", `[`), 400, "a JSON object"},
		{verb(film+"/pause", strings.Repeat(" ", maxBody+1)), 413, "bytes at most"},
		{verb(film+"/cancel", ""), 200, "film.mkv is cancelled"},
		{verb(film+"/cancel", ""), 409, "has ended"},
		{put("film.mkv", "film"), 201, `"name":"inbox/film.mkv"`},
		{put("film%20[ABCDEF01].mkv", "film"), 422, KindDamaged},
		{put("film.mkv", "film", "bytes 0-3/9"), 202, `"offset":4`},
		{put("half.mkv", "film", "bytes 3-6/9"), 409, KindOffset},
		{put("film.mkv", "", "bytes */9"), 202, `"complete":false`},
		{put("film.mkv", "", "bytes */99999"), 507, KindNoRoom},
		{put("film.mkv", "film", "bytes 0-3"), 400, "Content-Range is like"},
		{put(".film.mkv", "film"), 422, KindWrong},
		{put("film.mkv?profle=x", "film"), 422, "no such wish"},
		{request("GET", Prefix+"inbox/none.mkv", ""), 404, KindUnknown},
		{request("DELETE", Prefix+"inbox/none.mkv", ""), 404, KindUnknown},
		{request("GET", Prefix+"inbox/half.mkv", ""), 200, `"offset":4`},
		{request("DELETE", Prefix+"inbox/half.mkv", ""), 204, ""},
		{request("GET", Prefix+"profiles", ""), 200, "tablet"},
		{request("GET", Prefix+"outbox", ""), 200, `"href":"outbox/film%20one.mkv"`},
		{request("GET", Prefix+"outbox/film%20one.mkv", ""), 200, "film"},
		{request("GET", Prefix+"outbox/none.mkv", ""), 404, "no file"},
		{ranges("bytes=1-2"), 206, "il"},
		{ranges("bytes=1-1,2-2,3-3,1-1,2-2"), 416, "ranges at most"},
		{request("GET", Prefix+"jobs/"+job+"/certificate", ""), 200, "frames"},
		{request("GET", Prefix+"jobs/none/certificate", ""), 404, "no certificate"},
	} {
		c, share := testControl(t)
		if step.has == "has ended" {
			_, err := pipeline.Decide(share, job, pipeline.Decision{Act: pipeline.ActCancelled})
			require.NoError(t, err)
		}
		furnish(t, c, share)
		name := step.r.Method + " " + step.r.URL.Path
		w := answer(c, step.r)
		require.Equal(t, step.code, w.Code, "%s: %s", name, w.Body)
		require.Contains(t, w.Body.String(), step.has, name)
		if step.code >= 400 {
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		}
		fine, wrong := v.ValidateHttpResponse(step.r, w.Result())
		require.True(t, fine, "%s: %v", name, wrong)
	}
}

// Every field of a state stands in the description.
func TestEveryFieldIsDescribed(t *testing.T) {
	document, err := libopenapi.NewDocument(description)
	require.NoError(t, err)
	model, err := document.BuildV3Model()
	require.NoError(t, err)
	for name, value := range map[string]any{
		"Status": status.Status{Trouble: "x", Resting: []*pipeline.Rest{{}}, History: &history.History{}},
		"Job": pipeline.JobStatus{Quality: &pipeline.Scores{}, OutputSize: 1, Skipped: "x", Waits: "x", Ended: time.Now(),
			Closed: true, Origin: pipeline.Origin{Source: "x", Build: "x"}, Asked: pipeline.Asked{Nonce: "x"},
			Setbacks: pipeline.Setbacks{Notes: []string{"x"}, Failures: []pipeline.Failure{{}}}},
		"Node": status.Node{Why: "x", Asked: &pipeline.Rest{},
			Software:   pipeline.Software{Builds: []pipeline.Offer{{}}, Metrics: []pipeline.Metric{"x"}},
			NodeMemory: status.NodeMemory{Memory: 1, MemoryLimit: "x"}},
		"Rest":    pipeline.Rest{By: "x", Now: true},
		"Upload":  handin.Upload{Name: "x", Nonce: "x", Undated: "x"},
		"Output":  handin.Output{Certificate: "x", Plays: "x", Output: status.Output{Job: "x", SourceSize: 1, Saved: 1}},
		"Answer":  Answer{Job: "x", Path: "x", Priority: new(int)},
		"Problem": Problem{Kind: "x", Meant: []string{"x"}},
	} {
		schema := model.Model.Components.Schemas.GetOrZero(name).Schema()
		described := slices.Collect(schema.Properties.KeysFromOldest())
		b, err := json.Marshal(value)
		require.NoError(t, err)
		var fields map[string]any
		require.NoError(t, json.Unmarshal(b, &fields))
		require.ElementsMatch(t, slices.Collect(maps.Keys(fields)), described, name)
	}
}

func TestOtherMethodsAndPathsAreProblems(t *testing.T) {
	c, _ := testControl(t)
	allowed := map[string][]string{}
	for _, route := range c.routes() {
		allowed[route.path] = append(allowed[route.path], route.method)
	}
	for path, methods := range allowed {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			if slices.Contains(methods, method) {
				continue
			}
			w := answer(c, request(method, Prefix+path, ""))
			require.Equal(t, 405, w.Code, "%s %s", method, path)
			require.Equal(t, strings.Join(methods, ", "), w.Header().Get("Allow"))
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
		}
	}
	for _, path := range []string{"", "x", "jobs", "jobs/", "jobs/x", "jobs/x/y", "jobs/x/pause/z", "nodes/x/pause"} {
		require.Equal(t, 404, answer(c, request("POST", Prefix+path, "")).Code, path)
	}
}

func TestEverythingButTheDescriptionWantsAToken(t *testing.T) {
	c, share := testControl(t)
	for _, route := range c.routes() {
		if route.open {
			continue
		}
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer wrong-token-of-16", "Basic " + token, token} {
			r := request(route.method, Prefix+strings.ReplaceAll(route.path, "{id}", job), "")
			r.Header.Set("Authorization", header)
			if header == "" {
				r.Header.Del("Authorization")
			}
			w := answer(c, r)
			require.Equal(t, 401, w.Code, "%s %q", route.path, header)
			require.Contains(t, w.Header().Get("WWW-Authenticate"), "Bearer")
			c.guesses = newGuesses()
		}
	}
	asked, err := pipeline.ReadControl(share, job)
	require.NoError(t, err)
	require.Equal(t, pipeline.Control{Missing: asked.Missing}, asked)
}

// A browser's session is as good as its token, until that is withdrawn.
func TestASessionEndsWithItsToken(t *testing.T) {
	c, _ := testControl(t)
	w := httptest.NewRecorder()
	require.NotNil(t, c.Login(w, request("POST", "/login", ""), "wrong-token-of-16"))
	require.Empty(t, w.Header()["Set-Cookie"])
	require.Nil(t, c.Login(w, request("POST", "/login", ""), token))
	given := w.Result().Cookies()[0]
	require.True(t, given.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, given.SameSite)
	require.NotContains(t, given.Value, token)
	r := httptest.NewRequest("GET", Prefix+"status", nil)
	r.AddCookie(given)
	require.Equal(t, 200, answer(c, r).Code)
	require.Equal(t, "anna", c.Visitor(r))

	tokens := c.Tokens
	var err error
	c.Tokens, err = reread.New(c.Log, func() (Tokens, error) { return nil, nil })
	require.NoError(t, err)
	require.Equal(t, 401, answer(c, r).Code)
	c.Tokens = tokens
	c.Logout(httptest.NewRecorder(), r)
	require.Equal(t, 401, answer(c, r).Code)
}

func TestSessionsAreBounded(t *testing.T) {
	c, _ := testControl(t)
	for range maxSessions + 10 {
		c.sessions.begin(holder{})
	}
	require.Len(t, c.sessions.open, maxSessions)
}
