//go:build linux

package container

import (
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// pod is what this test reads of a pod's specification; test/manifests checks the rest by the schemas.
type pod struct {
	EnableServiceLinks            *bool `yaml:"enableServiceLinks"`
	TerminationGracePeriodSeconds int   `yaml:"terminationGracePeriodSeconds"`
	SecurityContext               struct {
		RunAsUser  int `yaml:"runAsUser"`
		RunAsGroup int `yaml:"runAsGroup"`
		FSGroup    int `yaml:"fsGroup"`
	} `yaml:"securityContext"`
	InitContainers []containerSpec `yaml:"initContainers"`
	Containers     []containerSpec
}

type containerSpec struct {
	Args []string
	Env  []struct{ Name, Value string }

	VolumeMounts []struct {
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

// workload is a deployment or a job; of other kinds it has no containers.
type workload struct {
	Kind string
	Spec struct {
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     pod
		}
	}
}

// What the manifests say of distenc is what distenc and its image know.
func TestManifests(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "kubernetes", "*.yaml"))
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "Containerfile"))
	require.NoError(t, err)
	user := regexp.MustCompile(`(?m)^ARG UID=(\d+)\nARG GID=(\d+)$`).FindStringSubmatch(string(text))
	require.Equal(t, []string{"870", "870"}, user[1:])
	require.Contains(t, string(text), "\nENV DISTENC_SHARE=/share\n")
	try := newTry(t)
	commands := map[string]bool{}
	for _, file := range files {
		for _, w := range workloads(t, file) {
			p := w.Spec.Template.Spec
			if len(p.Containers) == 0 {
				continue
			}
			require.NotNil(t, p.EnableServiceLinks, file)
			require.False(t, *p.EnableServiceLinks, "%s: a service's variables would be taken for settings", file)
			require.GreaterOrEqual(t, p.TerminationGracePeriodSeconds, 60, file)
			require.Equal(t, [3]int{870, 870, 870},
				[3]int{p.SecurityContext.RunAsUser, p.SecurityContext.RunAsGroup, p.SecurityContext.FSGroup}, file)
			if w.Kind == "Deployment" {
				require.Equal(t, w.Spec.Template.Metadata.Labels, w.Spec.Selector.MatchLabels, file)
			}
			for _, c := range append(p.InitContainers, p.Containers...) {
				require.Equal(t, "/share", c.VolumeMounts[0].MountPath, file)
				try.understands(c)
				commands[strings.Join(c.Args, " ")] = true
			}
		}
	}
	require.Equal(t, []string{"init /share", "master", "worker", "worker --until-idle"},
		slices.Sorted(maps.Keys(commands)))
}

func workloads(t *testing.T, file string) (all []workload) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	for d := yaml.NewDecoder(f); ; {
		var w workload
		err := d.Decode(&w)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err, file)
		all = append(all, w)
	}
}

// try asks distenc what it understands.
type try struct {
	t      *testing.T
	binary string
}

func newTry(t *testing.T) try {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "distenc")
	run(t, "go", "build", "-o", binary, "github.com/distenc/distenc/cmd/distenc")
	return try{t, binary}
}

func (y try) understands(c containerSpec) {
	y.t.Helper()
	run(y.t, y.binary, append(c.Args, "--help")...) // a flag that is not known is an error all the same
	cmd := exec.Command(y.binary, "status")
	cmd.Env = []string{"DISTENC_SHARE=/nonexistent"}
	for _, v := range c.Env {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	out, err := cmd.CombinedOutput()
	require.Error(y.t, err, "there is no share")
	require.NotEqual(y.t, 2, cmd.ProcessState.ExitCode(), "wrong settings: %s", out)
}
