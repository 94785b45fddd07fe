// Package remote asks a master over the network what the commands ask a share that is mounted here. What it is
// answered by a host that may be anybody is bounded, and never followed elsewhere: a redirect would carry a token away.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/pipeline/status"
)

const (
	// patience is how long an answer may take.
	patience = 30 * time.Second
	// maxAnswer bounds what is read of one, in bytes: status.json has every job that ever ended.
	maxAnswer = 256 << 20
)

// Master is one that serves HTTP.
type Master struct {
	base  *url.URL
	token string
	http  *http.Client
}

// New returns the master at an address such as http://nas:8470. Without a token, "", it can only be read.
func New(address, token string) (*Master, error) {
	base, err := url.Parse(strings.TrimSuffix(address, "/") + "/")
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil ||
		base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("a master's address is like http://nas:8470, is %q", address)
	}
	return &Master{base, token, &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Read reads the whole state, which needs no token.
func (m *Master) Read(ctx context.Context) (*status.Status, error) {
	s := &status.Status{}
	return s, m.ask(ctx, http.MethodGet, "status.json", nil, s)
}

// Wish asks something of a job or a node (control.Jobs, control.Nodes), by the verb's name in the interface and what
// goes with it, nil for nothing. The error may be a *control.Problem, which has the master's own sentence.
func (m *Master) Wish(ctx context.Context, things, word, verb string, body map[string]any) (control.Answer, error) {
	var answer control.Answer
	if m.token == "" {
		return answer, errors.New("a token is wanted: set DISTENC_TOKEN, or name the file that holds one with --token-file")
	}
	path := strings.TrimPrefix(control.Prefix, "/") + things + "/" + url.PathEscape(word) + "/" + verb
	return answer, m.ask(ctx, http.MethodPost, path, body, &answer)
}

func (m *Master) ask(ctx context.Context, method, path string, body map[string]any, into any) error {
	sent := &bytes.Buffer{}
	if body != nil {
		if err := json.NewEncoder(sent).Encode(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, m.base.String()+path, sent)
	if err != nil {
		return err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if m.token != "" && method != http.MethodGet {
		r.Header.Set("Authorization", "Bearer "+m.token)
	}
	answer, err := m.http.Do(r)
	if err != nil {
		return fmt.Errorf("cannot ask the master: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err == nil && len(data) > maxAnswer {
		err = fmt.Errorf("it is larger than %d bytes", maxAnswer)
	}
	if err == nil && answer.StatusCode != http.StatusOK {
		return m.refused(answer, data)
	}
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("cannot read the answer of %s: %w", m.base, err)
	}
	return nil
}

// refused is what is said where something was not done.
func (m *Master) refused(answer *http.Response, data []byte) error {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")) // none is no problem document
	p := &control.Problem{}
	if kind == "application/problem+json" && json.Unmarshal(data, p) == nil && p.Detail != "" {
		return p
	}
	text := strings.TrimSpace(string(data[:min(len(data), 200)]))
	switch {
	case kind != "text/plain":
		text = "no word of a distenc master; is the address right?"
	case answer.StatusCode == http.StatusNotFound && text == "404 page not found":
		text = "this master lets nobody steer: http.control in its configuration names no tokens"
	}
	return fmt.Errorf("%s answered %s: %s", m.base, answer.Status, text)
}
