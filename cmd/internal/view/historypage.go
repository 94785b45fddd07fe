package view

import (
	_ "embed" // the section's parts
	"strings"

	"github.com/distenc/distenc/pipeline/history"
)

//go:embed history.html
var historyHTML string

//go:embed history.css
var historyCSS string

// pageNodes is how many nodes of the history are on the page.
const pageNodes = 12

// pastView is the history as the page shows it.
type pastView struct {
	Spans        []span
	Rows         []pastRow
	Saved, Speed *chart
	Nodes        []pastNode
	More         int // nodes that are not on the page
	Caption      string
	Trouble      []string
}

// pastNode is a row of the nodes' table. Line is the class of its line in the chart, "" where it has none.
type pastNode struct {
	Host, Line string
	Cells      []string
}

// pastRow is one number of all spans: beside each other they fit a telephone.
type pastRow struct {
	Name  string
	Cells []string
}

func rowsOf(spans []span) []pastRow {
	rows := make([]pastRow, len(spanCells))
	for i, name := range spanCells {
		rows[i].Name = name
		for _, s := range spans {
			rows[i].Cells = append(rows[i].Cells, unbroken.Replace(s.Cells()[i]))
		}
	}
	return rows
}

// unbroken keeps a number and its unit in one line.
var unbroken = strings.NewReplacer(" (", " (", " ", "\u00a0")

// lineClasses are those of history.css.
var lineClasses = [chartLines]string{"n0", "n1", "n2", "n3", "n4", "n5"}

// pastOf is nil where there is nothing to show.
func pastOf(h *history.History) *pastView {
	if h == nil || h.All.Films == 0 && len(h.Trouble) == 0 || len(h.Days) == 0 {
		return nil
	}
	all := spans(h)
	for i := range all {
		all[i].Name = strings.ReplaceAll(all[i].Name, "-", "\u2011") // a month stays in one line
	}
	p := &pastView{Spans: all, Rows: rowsOf(all), Saved: savedChart(h), Caption: nodesCaption, Trouble: h.Trouble}
	shown := h.Nodes[:min(pageNodes, len(h.Nodes))]
	p.More = h.Others + len(h.Nodes) - len(shown)
	for i, n := range shown {
		row := pastNode{Host: n.Host, Cells: nodeCells(n)}
		if i < chartLines {
			row.Line = lineClasses[i]
		}
		p.Nodes = append(p.Nodes, row)
	}
	if len(shown) > 0 {
		p.Speed = speedChart(h)
	}
	return p
}
