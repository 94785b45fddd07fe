package conformance

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
)

// Prizes is how many files the processes in a race claim from each other. A race is for several processes, of one
// machine or of two: one of them calls Fill, then each calls ClaimAll under a name of its own, and what all of them
// believe is compared with what is there.
const Prizes = 60

// Prize names a file of the race.
func Prize(i int) string { return fmt.Sprintf("%03d", i) }

// Claims is the folder below a race's that claimed files go to.
func Claims(dir string) string { return path.Join(dir, "claims") }

// Fill makes the folders and files of a race.
func Fill(share *sharefs.FS, dir string) error {
	t := &trial{share: share, dir: dir}
	t.folder("pending")
	t.folder("claims")
	for i := range Prizes {
		t.create("pending/"+Prize(i), "")
	}
	return t.err
}

// Claimed is what one side believes of the race.
type Claimed struct {
	Won []string // names in the folder of claims
	Odd []string // outcomes that are neither won nor lost
}

// ClaimAll claims all files as who, the way workers claim chunks. It calls ready before each.
func ClaimAll(ctx context.Context, share *sharefs.FS, dir, who string, ready func(i int)) (out Claimed) {
	for i := range Prizes {
		ready(i)
		name := Prize(i) + "." + who
		outcome, err := share.Claim(ctx, path.Join(dir, "pending", Prize(i)), path.Join(Claims(dir), name))
		switch outcome {
		case sharefs.Won:
			out.Won = append(out.Won, name)
		case sharefs.Lost:
		default:
			out.Odd = append(out.Odd, fmt.Sprintf("%s: %v", name, err))
		}
	}
	return out
}

// Score is how a race ended.
type Score struct {
	Twice  int  // files that more than one side believes to have won
	Nobody int  // files that nobody believes to have won
	Differ bool // what the sides believe is not what lies in the folder of claims
}

// Judge compares what all sides believe to have won with the names that lie in the folder of claims.
func Judge(there []string, sides ...Claimed) Score {
	var believed []string
	numbers := map[string]bool{}
	for _, side := range sides {
		for _, name := range side.Won {
			number, _, _ := strings.Cut(name, ".")
			numbers[number] = true
			believed = append(believed, name)
		}
	}
	slices.Sort(believed)
	return Score{
		Twice:  len(believed) - len(numbers),
		Nobody: Prizes - len(numbers),
		Differ: !slices.Equal(believed, slices.Sorted(slices.Values(there))),
	}
}
