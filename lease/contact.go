package lease

import (
	"log/slog"
	"sync"
	"time"
)

// Contact logs when the share goes away and when it is back, once each for all parts of a daemon. Its methods
// may be called from any goroutine.
type Contact struct {
	log  *slog.Logger
	mu   sync.Mutex
	away time.Time // since when; zero: it is there
}

// NewContact returns the contact of one daemon with its share.
func NewContact(log *slog.Logger) *Contact { return &Contact{log: log} }

// Lost notes an error that shows that the share does not answer as it should.
func (c *Contact) Lost(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.away.IsZero() {
		c.log.Debug("the share is still away", "error", err)
		return
	}
	c.away = time.Now()
	c.log.Warn("the share does not answer as it should; work goes on when it does", "error", err)
}

// Back notes that the share has answered.
func (c *Contact) Back() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.away.IsZero() {
		c.log.Info("the share answers again", "after", time.Since(c.away).Round(time.Second))
		c.away = time.Time{}
	}
}

// Away reports whether the share was lost and did not answer since.
func (c *Contact) Away() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.away.IsZero()
}

// WithContact reports failing heartbeats and scans to a contact that other parts of the daemon use too.
func WithContact(c *Contact) Option { return func(o *options) { o.contact = c } }
