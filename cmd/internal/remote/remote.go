// Package remote asks a master over the network what the commands ask a share that is mounted here. What it is
// answered by a host that may be anybody is bounded, and never followed elsewhere: a redirect would carry a token away.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Read reads the whole state, which needs no token.
func (m *Master) Read(ctx context.Context) (*status.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s := &status.Status{}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, m.base.String()+"status.json", http.NoBody)
	if err == nil {
		err = m.answer(r, maxAnswer, s)
	}
	return s, err
}

// Wish asks something of a job or a node (control.Jobs, control.Nodes), by the verb's name in the interface and what
// goes with it, nil for nothing. The error may be a *control.Problem, which has the master's own sentence.
func (m *Master) Wish(ctx context.Context, things, word, verb string, body map[string]any) (control.Answer, error) {
	var answer control.Answer
	if err := m.wantsToken(); err != nil {
		return answer, err
	}
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return answer, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := m.request(ctx, http.MethodPost, m.api(things+"/"+url.PathEscape(word)+"/"+verb), bytes.NewReader(sent))
	if err != nil {
		return answer, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return answer, m.answer(r, maxShort, &answer)
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
