package view

import (
	"fmt"
	"math"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// The states that the tests, and the pictures in the manual, show.

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func sceneEmpty() *status.Status {
	return &status.Status{
		Share: "/mnt/distenc", Read: now(), Master: &status.Master{Node: "nas-1-m4k2p9", Since: now().Add(-50 * time.Hour)},
		Free: 1 << 41, Nodes: []status.Node{sceneNode("pc-2", 0, 0)},
	}
}

func sceneNode(host string, encodes int, fps float64) status.Node {
	n := status.Node{
		Node: host + "-w7f3ka", Host: host, Slots: 4, Cores: 8, Load: fps / 10, FPS: fps, Seen: 3, State: pipeline.NodeIdle,
		Chunks: []string{}, Since: now().Add(-7 * time.Hour),
		Software: pipeline.Software{Version: "v1.0.0", Encoder: "ffmpeg version 5.1.8"},
	}
	for i := range encodes {
		n.State = pipeline.NodeEncoding
		n.Chunks = append(n.Chunks, fmt.Sprintf("abcdef01-k3f9z.%05d", 30+10*int(fps)%40+i))
	}
	return n
}

func sceneBusy() *status.Status {
	s := sceneEmpty()
	resting, silent, paused := sceneNode("desk-5", 0, 0), sceneNode("laptop", 2, 0), sceneNode("desk-6", 1, 8.2)
	resting.State, resting.Why, resting.Load = pipeline.NodeResting, "outside its hours 22:00-07:00", 1.3
	silent.State, silent.Seen, silent.Why = pipeline.NodeSilent, 372,
		"no sign of life: killed, switched off, cut off, or its clock is wrong; what it had in work goes to others after "+
			"2m0s of silence"
	paused.Why = "others need the machine: their load is 6.2, more than worker.max_load (4.0)"
	nas := sceneNode("nas-1", 2, 11.4)
	nas.NodeMemory = status.NodeMemory{Memory: 7_900_000_000, MemorySlots: 2,
		MemoryLimit: "its memory, 7.9 GB, is enough for 2 of its 4 slots: a chunk of Day 1.mov takes about 3.1 GB"}
	s.Nodes = []status.Node{nas, sceneNode("pc-2", 4, 61.5), sceneNode("pc-3", 4, 48.9), paused,
		resting, silent}
	s.Jobs = []pipeline.JobStatus{
		{ID: "00c0ffee-a1b2c", Name: "Old Film (1962) [00C0FFEE].mkv", Origin: pipeline.Origin{Profile: "default"},
			State: pipeline.Done, Decided: true, Closed: true,
			Output: "outbox/Old Film (1962) [7D1E22A4].mkv", Created: now().Add(-5 * time.Hour),
			Ended: now().Add(-3 * time.Hour)},
		{ID: "abcdef01-k3f9z", Name: "Show - 01 [ABCDEF01].mkv", Origin: pipeline.Origin{Profile: "tablet"},
			State: pipeline.InWork, Created: now().Add(-4 * time.Minute),
			Course: pipeline.Course{Chunks: pipeline.Counts{Total: 72, Pending: 28, Claimed: 11, Done: 33},
				Frames: pipeline.Progress{Total: 34045, Done: 17311}, FPS: 130, ETA: 217}, Setbacks: pipeline.Setbacks{Retries: 2},
			Quality: sceneScores(),
			Size:    380 << 20},
		{ID: "0badcafe-9x8y7", Name: "Show - 02 [0BADCAFE].mkv", Origin: pipeline.Origin{Profile: "tablet"},
			State: pipeline.Splitting, Created: now().Add(-2 * time.Minute),
			Course: pipeline.Course{Chunks: pipeline.Counts{Total: 71, Pending: 71}, Frames: pipeline.Progress{Total: 33980},
				ETA: 481}, Size: 371 << 20},
		{ID: "5eed1234-zzzzz", Name: "Conference/Day 1, the very long recording of the panel on archives, hall B, camera " +
			"2.mov", Origin: pipeline.Origin{Profile: "default"}, State: pipeline.InWork,
			Asked: pipeline.Asked{Paused: true, Priority: -5}, Created: now().Add(-1 * time.Minute),
			Course: pipeline.Course{Chunks: pipeline.Counts{Total: 540, Pending: 519, Done: 21},
				Frames: pipeline.Progress{Total: 259200, Done: 10080}}, Size: 41 << 30},
	}
	s.Inbox = []status.Waiting{{Name: "Show - 03 [DEADBEEF].mkv", Size: 402 << 20, Whole: true, Priority: 5},
		{Name: "Day 2.mov", Size: 39 << 30}, {Name: "camera", Why: "it is a symbolic link"}}
	return s
}

// sceneScores are those of a film in work: a third is encoded, but for what is in work.
func sceneScores() *pipeline.Scores {
	s := &pipeline.Scores{Asked: pipeline.Quality{Metric: pipeline.VMAF, Target: 95}, Mean: 94.98, Worst: 9,
		Limits: []int{9}, Chunks: make([]float64, 72)}
	for i := range 33 {
		s.Chunks[i] = 95 + 0.45*math.Sin(float64(3*i))
	}
	s.Chunks[9], s.Chunks[20] = 93.1, 0
	return s
}

func sceneFailed() *status.Status {
	s := sceneBusy()
	s.Nodes = s.Nodes[:3]
	failure := pipeline.Failure{
		Attempted: pipeline.Attempted{Chunk: "bad00bad-q1w2e.00012", Attempt: 3, Node: "pc-2-w7f3ka"},
		Reason:    "ffmpeg: exit status 187: Error while decoding stream #0:0",
		Command:   "/usr/bin/ffmpeg -i source.mkv out.mkv",
		Reported:  now().Add(-time.Minute),
	}
	s.Jobs = []pipeline.JobStatus{
		{ID: "bad00bad-q1w2e", Name: "Scratched disc.mkv", Origin: pipeline.Origin{Profile: "default"},
			State: pipeline.JobFailed, Created: now().Add(-9 * time.Minute),
			Course: pipeline.Course{Chunks: pipeline.Counts{Total: 72, Done: 71, Failed: 1},
				Frames: pipeline.Progress{Total: 34045, Done: 33560}},
			Error:    "chunk bad00bad-q1w2e.00012 was set aside: ffmpeg: exit status 187: Error while decoding stream #0:0",
			Setbacks: pipeline.Setbacks{Failures: []pipeline.Failure{failure}, Retries: 3}},
		{ID: "0ddba115-aaaaa", Name: "Holiday.avi", Origin: pipeline.Origin{Profile: "default"}, State: pipeline.JobFailed,
			Decided: true, Closed: true, Created: now().Add(-time.Hour), Ended: now().Add(-50 * time.Minute),
			Error: "Merging failed: the audio track can't be put into MP4."},
	}
	s.Inbox = nil
	s.Rejected = []status.Rejected{{Name: "Show - 07 [01234567].mkv", Time: now().Add(-20 * time.Minute),
		Reason: "The name says CRC-32 01234567 but the content has 89ABCDEF: the file is damaged or not the one that the " +
			"name says."}}
	return s
}

// hostileName would run a script, leave its attribute, move a cursor and turn the direction of a text.
const hostileName = `"><script>document.title="owned"</script><img src=x onerror="document.title='owned'">'&amp;` +
	"\x1b[2J\u202Egpj.exe"

func sceneHostile() *status.Status {
	s := sceneFailed()
	s.Share = hostileName
	s.Master.Node = hostileName
	for i := range s.Jobs {
		j := &s.Jobs[i]
		j.Name, j.Error, j.Profile, j.Output, j.ID = hostileName, hostileName, hostileName, hostileName, hostileName
		j.State = pipeline.JobState([]string{hostileName, string(pipeline.JobFailed)}[i])
	}
	for i := range s.Nodes {
		s.Nodes[i].Node, s.Nodes[i].State, s.Nodes[i].Why = hostileName, hostileName, hostileName
	}
	s.Inbox = []status.Waiting{{Name: hostileName, Why: hostileName}}
	s.Rejected[0].Name, s.Rejected[0].Reason = hostileName, hostileName
	return s
}
