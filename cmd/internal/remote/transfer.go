package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/distenc/distenc/cmd/internal/control"
)

const (
	// finishing is how long a master may take to look at a film that is whole: it may have to read all of it.
	finishing = time.Hour
	// maxShort bounds an answer that is no state, in bytes: a list of outputs, or a word that can mean thousands of jobs.
	maxShort = 16 << 20
)

func (m *Master) wantsToken() error {
	if m.token == "" {
		return errors.New("a token is wanted: set DISTENC_TOKEN, or name the file that holds one with --token-file")
	}
	return nil
}

// api is the address of what is below the interface's prefix.
func (m *Master) api(path string) string {
	return m.base.String() + strings.TrimPrefix(control.Prefix, "/") + path
}

// request begins a request that shows the token.
func (m *Master) request(ctx context.Context, method, address string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err == nil {
		r.Header.Set("Authorization", "Bearer "+m.token)
	}
	return r, err
}

// do sends a request, whose context has its own end. What is no success is a *control.Problem with its status.
func (m *Master) do(r *http.Request) (*http.Response, error) {
	answer, err := m.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the master: %w", err)
	}
	if answer.StatusCode < http.StatusMultipleChoices {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxShort))
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer of %s: %w", m.base, err)
	}
	err = m.refused(answer, data)
	if _, ok := errors.AsType[*control.Problem](err); !ok { // a proxy's
		err = control.Refuse(answer.StatusCode, err.Error())
	}
	return nil, err
}

// answer sends a request and reads an answer of at most limit bytes.
func (m *Master) answer(r *http.Request, limit int, into any) error {
	answer, err := m.do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(answer.Body, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("it is larger than %d bytes", limit)
	}
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("cannot read the answer of %s: %w", m.base, err)
	}
	return nil
}

// short makes a request without a body.
func (m *Master) short(ctx context.Context, method, address, contentRange string, into any) error {
	limit := patience
	if method == http.MethodPut {
		limit = finishing
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := m.request(ctx, method, address, http.NoBody)
	if err != nil {
		return err
	}
	if contentRange != "" {
		r.Header.Set("Content-Range", contentRange)
	}
	return m.answer(r, maxShort, into)
}
