package sim

import (
	"io/fs"
	"path"
	"slices"
	"syscall"
	"time"
)

// sighting is a name that the client has looked up, and until when it believes so.
type sighting struct {
	ino   *inode
	until time.Time
}

// aged are a file's attributes in the client's cache.
type aged struct {
	info  info
	until time.Time
}

// Lstat implements sharefs.Ops, from the cache where there is one: on NFS it may be a minute old.
func (c *client) Lstat(name string) (st fs.FileInfo, err error) {
	err = c.call("lstat", name, func(bool) error {
		i, err := c.find(name)
		if err == nil {
			st = c.attributes(name, i)
		}
		return err
	})
	return st, err
}

func (c *client) attributes(name string, i *inode) info {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.world.server.look(path.Base(name), i)
	if a, ok := c.attrs[name]; ok && a.info.inode.Number == i.ino && time.Now().Before(a.until) {
		if a.info != st {
			c.world.judge.tally("stale attributes")
		}
		return a.info
	}
	if c.world.plan.caches {
		c.attrs[name] = aged{st, time.Now().Add(c.dice("attributes", name).span("age", 0, c.longest()))}
	}
	return st
}

// longest is for how long this client believes what it knows.
func (c *client) longest() time.Duration {
	if c.world.flavour == smb {
		return time.Second
	}
	return time.Minute
}

// entry is a name in a listing. What it is was listed; its attributes are looked up, as os.ReadDir's are.
type entry struct {
	info
	client *client
	name   string
}

// Type and Info implement fs.DirEntry.
func (e entry) Type() fs.FileMode          { return e.Mode().Type() }
func (e entry) Info() (fs.FileInfo, error) { return e.client.Lstat(e.name) }

// ReadDir implements sharefs.Ops.
func (c *client) ReadDir(dir string) ([]fs.DirEntry, error) {
	var names []info
	err := c.call("readdir", dir, func(bool) (err error) {
		names, err = c.listing(dir)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]fs.DirEntry, len(names))
	for n, i := range names {
		out[n] = entry{i, c, path.Join(dir, i.name)}
	}
	return out, nil
}

// listing is a listing as it is, as it was up to half a second ago, or one that misses an entry.
func (c *client) listing(dir string) ([]info, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := time.Duration(0)
	if c.world.plan.caches {
		age = c.world.dice(c.node, " lists ", dir).span("", 0, listingAge)
	}
	names, err := c.world.server.list(c.node, dir, age)
	if err != nil {
		return nil, err
	}
	d := c.dice("list")
	p := &c.world.plan
	if p.missing && !c.world.calm() && len(names) > 0 && d.chance("missing", p.rate/2) {
		n := d.pick("which", len(names))
		c.world.judge.tally("missing entry")
		c.world.history.add(c.node, "readdir", dir, nil, "without "+names[n].name)
		names = slices.Delete(slices.Clone(names), n, n+1)
	}
	for name := range c.absent {
		if path.Dir(name) == dir {
			delete(c.absent, name)
		}
	}
	if c.world.flavour == nfs { // SMB goes on believing in names that it has opened
		for name := range c.known {
			if path.Dir(name) == dir {
				delete(c.known, name)
			}
		}
	}
	return names, nil
}

// forget drops what the caches hold of names that this client has changed itself.
func (c *client) forget(names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		delete(c.absent, name)
		delete(c.known, name)
		delete(c.attrs, name)
	}
}

// refresh has a file's attributes asked for anew.
func (c *client) refresh(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.attrs, name)
}

func (c *client) absentNow(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Before(c.absent[name])
}

// find looks a name up as this client sees it: for up to a minute it denies a name that it has missed, and
// finds one under a name that it has left since.
func (c *client) find(name string) (*inode, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.dice("find", name)
	i := c.world.server.lookup(name)
	if time.Now().Before(c.absent[name]) {
		if i != nil {
			c.world.judge.tally("stale name")
		}
		return nil, syscall.ENOENT
	}
	caches := c.world.plan.caches
	if i == nil {
		if k, ok := c.known[name]; ok && caches && time.Now().Before(k.until) && c.world.server.linked(k.ino) {
			c.world.judge.tally("stale name")
			return k.ino, nil
		}
		if caches {
			c.absent[name] = time.Now().Add(d.span("absent", 0, c.longest()))
		}
		return nil, syscall.ENOENT
	}
	if i.dir {
		return i, nil
	}
	c.known[name] = sighting{i, time.Now().Add(d.span("known", 0, 60*time.Second))}
	return i, nil
}
