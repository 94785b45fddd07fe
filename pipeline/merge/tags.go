package merge

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline/media"
)

// node is an element of mkvextract's XML, kept as it is.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

// child returns the text of the first element of a name; empty where there is none.
func (n node) child(name string) string {
	for _, c := range n.Nodes {
		if c.XMLName.Local == name {
			return strings.TrimSpace(c.Text)
		}
	}
	return ""
}

// without returns the element without those inside it that drop picks.
func (n node) without(drop func(node) bool) node {
	n.Nodes = slices.DeleteFunc(slices.Clone(n.Nodes), drop)
	return n
}

// maxXML bounds a file's tags or chapters as XML, in bytes.
const maxXML = 16 << 20

// readXML lists the elements that mkvextract writes of a Matroska file's tags or chapters. ffprobe shows neither nested
// tags nor two of one name.
func readXML(ctx context.Context, tools media.Tools, path, what string) ([]node, error) {
	out, err := tools.Output(ctx, maxXML, tools.MKVExtract, path, what, "-")
	if err != nil {
		return nil, fmt.Errorf("cannot read the %s of %q: %w", what, path, err)
	}
	nodes, err := parseXML(out)
	if err != nil {
		return nil, fmt.Errorf("cannot read the %s of %q: %w", what, path, err)
	}
	return nodes, nil
}

func parseXML(text []byte) ([]node, error) {
	var doc node
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	err := xml.Unmarshal(text, &doc)
	return doc.Nodes, err
}

// unusual reports whether the whole file has other tags than the one that ffmpeg writes. mkvextract says then whether
// they can be read.
func (s *side) unusual(source *media.File) bool {
	return s.globals > 1 || s.globals == 1 && source.Format.Tags["ENCODER"] == ""
}

// keepsTags reports whether a track that is encoded has tags which it keeps, as far as mkvmerge -J tells: each tag
// once, in lower case. mkvmerge itself takes over those of the others.
func (s *side) keepsTags(t mkvTrack) bool {
	if t.ID != s.video && t.sound == 0 {
		return false
	}
	told := 0
	for name := range t.Properties {
		tag, is := strings.CutPrefix(name, "tag_")
		switch {
		case !is:
			continue
		case !slices.Contains(codingTags, tag):
			return true
		}
		told++
	}
	return told != t.tags // two of one name, or one without a text
}

// tagsOf are a track's own tags, but for those that tell of the coding that is gone. mkvmerge writes the new track's
// UID into them.
func tagsOf(all []node, uid string) *node {
	doc := node{XMLName: xml.Name{Local: "Tags"}}
	for _, tag := range all {
		ours := false
		tag.Nodes = slices.Clone(tag.Nodes)
		for i, n := range tag.Nodes {
			if n.XMLName.Local == "Targets" {
				ours = n.child("TrackUID") == uid
				tag.Nodes[i] = n.without(func(n node) bool { return n.XMLName.Local == "TrackUID" })
			}
		}
		tag = tag.without(func(n node) bool {
			return n.XMLName.Local == "Simple" && slices.Contains(codingTags, strings.ToLower(n.child("Name")))
		})
		if ours && tag.has("Simple") {
			doc.Nodes = append(doc.Nodes, tag)
		}
	}
	if len(doc.Nodes) == 0 {
		return nil
	}
	return &doc
}

func (n node) has(name string) bool {
	return slices.ContainsFunc(n.Nodes, func(c node) bool { return c.XMLName.Local == name })
}

// simpleTags makes tags of names and values; nil if there are none.
func simpleTags(tags map[string]string) *node {
	if len(tags) == 0 {
		return nil
	}
	text := func(name, value string) node { return node{XMLName: xml.Name{Local: name}, Text: value} }
	tag := node{XMLName: xml.Name{Local: "Tag"}}
	for key, value := range tags {
		simple := text("Simple", "")
		simple.Nodes = []node{text("Name", strings.ToUpper(key)), text("String", value)}
		tag.Nodes = append(tag.Nodes, simple)
	}
	slices.SortFunc(tag.Nodes, func(a, b node) int { return cmp.Compare(a.child("Name"), b.child("Name")) })
	return &node{XMLName: xml.Name{Local: "Tags"}, Nodes: []node{tag}}
}

// writeTags writes tags for mkvmerge and returns the file's name, empty if there are none.
func writeTags(name string, tags *node) (string, error) {
	if tags == nil {
		return "", nil
	}
	text, err := xml.Marshal(tags)
	if err != nil {
		return "", err
	}
	return name, os.WriteFile(name, text, 0o600)
}

// recorded is when a file says that it was recorded, in UTC; empty where it does not. Cameras and phones write one or
// both of these.
func recorded(tags map[string]string) string {
	const oldest = 1971 // clocks that were never set begin in 1904 or 1970
	for _, key := range []string{"creation_time", "com.apple.quicktime.creationdate"} {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05-0700"} {
			if t, err := time.Parse(layout, tags[key]); err == nil && t.Year() >= oldest {
				return t.UTC().Format("2006-01-02T15:04:05Z")
			}
		}
	}
	return ""
}
