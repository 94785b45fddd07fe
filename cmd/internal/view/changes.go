package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// Changes tells in lines what has changed between one state and the next, for logs and pipes.
type Changes struct{ told map[string]string }

// Since returns a line for everything that is not as it was at the last call.
func (c *Changes) Since(s *status.Status) (lines []string) {
	now := map[string]string{}
	for _, j := range s.Jobs {
		now["job "+j.ID] = jobLine(j)
	}
	for _, n := range s.Nodes {
		now["node "+n.Node] = strings.TrimSuffix(fmt.Sprintf("node %s: %s, %s", n.Node, n.State, n.Why), ", ")
	}
	for _, f := range s.Inbox {
		now["inbox "+f.Name] = strings.TrimSuffix("in the inbox: "+f.Name+", "+f.Why, ", ")
	}
	for _, r := range s.Rejected {
		now["rejected "+r.Name] = "rejected: " + r.Name + ": " + r.Reason
	}
	now["master"] = "no master was seen"
	if s.Master != nil {
		now["master"] = "master " + s.Master.Node
		if s.Master.Silent {
			now["master"] += " is silent"
		}
	}
	for key, line := range now {
		if c.told[key] != line {
			lines = append(lines, Plain(line))
		}
	}
	for key := range c.told {
		if node, gone := strings.CutPrefix(key, "node "); gone && now[key] == "" {
			lines = append(lines, Plain("node "+node+": gone"))
		}
	}
	c.told = now
	slices.Sort(lines)
	return lines
}

// jobLine is what of a job is worth a line when it changes: not each frame, but each chunk.
func jobLine(j pipeline.JobStatus) string {
	line := fmt.Sprintf("job %s: %s, %d of %d chunks: %s", j.ID, word(j), j.Chunks.Done, j.Chunks.Total, j.Name)
	if j.Output != "" {
		line += " -> " + j.Output
	}
	if j.Skipped != "" {
		line += ": " + j.Skipped
	}
	if j.Error != "" && j.State != pipeline.Done {
		line += ": " + j.Error
	}
	return line
}
