package notices

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/nicholas-fedor/shoutrrr/pkg/format"
	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// Address is where notices go: a URL as shoutrrr knows it (https://shoutrrr.nickfedor.com/services/overview/). It holds
// secrets, so that no text of it, and no error about it, shows more than its service and a server's name.
type Address struct{ secret string }

// ParseAddress checks a URL without a word to its server.
func ParseAddress(text string) (Address, error) {
	a := Address{strings.TrimSpace(text)}
	_, err := a.open(false)
	return a, err
}

// service is the URL's beginning, such as ntfy.
func (a Address) service() string {
	scheme, _, found := strings.Cut(a.secret, ":")
	name, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	if !found || !plainWord.MatchString(name) {
		return ""
	}
	return name
}

var plainWord = regexp.MustCompile(`^[a-z][a-z0-9]{0,19}$`)

// String implements fmt.Stringer.
func (a Address) String() string { return a.service() + "://…" }

// GoString implements fmt.GoStringer.
func (a Address) GoString() string { return a.String() }

// open returns the service behind the URL. login: it may ask its server for a session, as Matrix does.
func (a Address) open(login bool) (types.Service, error) {
	name := a.service()
	if name == "" {
		return nil, errors.New(`is no URL: it begins with its service, such as "ntfy://" or "smtp://"`)
	}
	services := router.ServiceRouter{}
	service, err := services.NewService(name)
	if err != nil {
		known := services.ListServices()
		slices.Sort(known)
		return nil, fmt.Errorf("%q is no service; known are %s", name, strings.Join(known, ", "))
	}
	u, err := url.Parse(a.secret)
	if err != nil {
		return nil, fmt.Errorf("the URL for %s can't be read: its special characters must be percent-encoded", name)
	}
	if strings.Contains(u.Scheme, "+") {
		custom, can := service.(types.CustomURLService)
		if !can {
			return nil, fmt.Errorf("%s takes no other scheme behind a +", name)
		}
		if u, err = custom.GetConfigURLFromCustom(u); err != nil {
			return nil, fmt.Errorf("the URL for %s is wrong: %s", name, a.clean(err))
		}
	}
	if name == "matrix" && !login {
		err = format.GetServiceConfig(service).(interface{ SetURL(*url.URL) error }).SetURL(u)
	} else {
		err = service.Initialize(u, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("the URL for %s is wrong: %s", name, a.clean(err))
	}
	return service, nil
}

// send gives the service a message. It may take as long as the server likes.
func (a Address) send(title, text string) error {
	service, err := a.open(true)
	if err != nil {
		return err
	}
	params := types.Params{}
	fields := format.NewPropKeyResolver(format.GetServiceConfig(service))
	if slices.Contains(fields.QueryFields(), types.TitleKey) { // others take it for a mistake
		params.SetTitle(title)
	}
	if err := service.Send(text, &params); err != nil {
		return errors.New(a.clean(err))
	}
	return nil
}

// urlInText is a URL within a sentence.
var urlInText = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"']*`)

// maxError bounds what is told of an error, in bytes.
const maxError = 300

// clean returns the words of an error without what may be secret in the URL: all of it but a server's name.
func (a Address) clean(err error) string {
	text := urlInText.ReplaceAllString(err.Error(), "…")
	text = strings.ReplaceAll(text, a.secret, "…")
	for _, s := range a.secrets() {
		text = strings.ReplaceAll(text, s, "…")
	}
	return cut(strings.Join(strings.Fields(text), " "), maxError)
}

// minSecret is the shortest text that is worth hiding, in bytes: without it the words of an error would go too.
const minSecret = 3

// secrets are the parts of the URL, the longest first, as they stand there and decoded.
func (a Address) secrets() (all []string) {
	u, err := url.Parse(a.secret)
	if err != nil {
		return nil
	}
	parts := append(strings.Split(u.Path, "/"), strings.Split(u.EscapedPath(), "/")...)
	parts = append(parts, u.Path, u.Fragment, u.RawQuery, u.Opaque)
	if u.User != nil {
		password, _ := u.User.Password()
		name, in := u.User.Username(), base64.StdEncoding.EncodeToString
		// what a server is sent of them: RFC 7617, RFC 4616
		parts = append(parts, name, password, u.User.String(), in([]byte(name+":"+password)),
			in([]byte("\x00"+name+"\x00"+password)))
	}
	if host := u.Hostname(); !strings.ContainsAny(host, ".:") && host != "localhost" { // no server's name: a token
		parts = append(parts, host)
	}
	for _, values := range u.Query() {
		for _, v := range values {
			parts = append(parts, append(strings.Split(v, ","), v)...)
		}
	}
	for _, p := range parts {
		all = append(all, p, url.QueryEscape(p), url.PathEscape(p), strings.ToLower(p))
	}
	all = slices.DeleteFunc(all, func(s string) bool { return len(strings.Trim(s, "/")) < minSecret })
	slices.SortFunc(all, func(x, y string) int { return len(y) - len(x) })
	return slices.Compact(all)
}

// cut shortens a text to so many bytes, at a whole character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
