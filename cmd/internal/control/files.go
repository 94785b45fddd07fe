package control

import "net/http"

// maxFiles bounds the films and outputs that are on their way at the same time: on a share that hangs each holds a
// thread.
const maxFiles = 64

// file answers with what carries a file, while there is room for one more.
func (c *Control) file(carry func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case c.files <- struct{}{}:
			defer func() { <-c.files }()
		default:
			w.Header().Set("Retry-After", "10")
			Refuse(http.StatusTooManyRequests, "too many files are on their way; try again later").ServeHTTP(w, r)
			return
		}
		err := carry(w, r)
		if err == nil && r.Method == http.MethodPut && w.Header().Get("Upload-Complete") == "?1" {
			c.Log.Info("a film was handed in", "path", r.PathValue("path"), "by", r.Context().Value(by{}))
			c.Asked()
		}
		if err == nil {
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			c.Log.Info("a file was not taken", "path", r.PathValue("path"), "by", r.Context().Value(by{}), "from",
				addressOf(r).String(), "error", err)
		}
		inVain(w, r, err)
	}
}
