//go:build linux

package farm_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/test/corpus"
)

// tree lists what lies below a folder, with a short file's text behind its name.
func tree(t *testing.T, dir string) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		below, _ := filepath.Rel(dir, name)
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.Size() < 100 {
			b, err := os.ReadFile(name)
			require.NoError(t, err)
			below += ": " + string(b)
		}
		all = append(all, below)
		return nil
	}))
	slices.Sort(all)
	return all
}

// release drops folders as people have them: a film with all that lies beside it, a season, the inbox itself and a
// profile's folder, and companions without a film. It returns the first film's name.
func release(t *testing.T, f *farm) string {
	t.Helper()
	put := func(name, text string) {
		name = filepath.Join(f.dir, "inbox", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o775))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o664))
	}
	one, other := corpus.Make(t, "two-frames.mkv"), corpus.Make(t, "one-frame.mkv")
	b, err := os.ReadFile(one)
	require.NoError(t, err)
	stem := fmt.Sprintf("Show - 01 [%08X]", crc32.ChecksumIEEE(b))
	for _, end := range []string{".en.srt", ".ass", ".sub", ".idx", ".mka", "-thumb.jpg"} {
		put("Show/"+stem+end, "own "+end)
	}
	put("Show/movie.nfo", "nfo")
	put("Show/poster.jpg", "poster")
	put("Show/README.TXT", "text")
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(f.dir, "inbox/Show/link.srt")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(f.dir, "inbox/Show/fifo.txt"), 0o664))
	put("Show/"+stem+".mkv.distenc.toml", "again = true\n")
	copyTo(t, one, filepath.Join(f.dir, "inbox/Show", stem+".mkv"))

	copyTo(t, one, filepath.Join(f.dir, "inbox/Season/e1.mkv"))
	copyTo(t, other, filepath.Join(f.dir, "inbox/Season/e2.mkv"))
	put("Season/e1.mkv.distenc.toml", "again = true\n")
	put("Season/e1.srt", "one")
	put("Season/e2.en.srt", "two")
	put("Season/season.nfo", "season")
	require.NoError(t, os.MkdirAll(filepath.Join(f.dir, "outbox/Season"), 0o775))
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "outbox/Season/e1.srt"), []byte("another's"), 0o664))

	for _, folder := range []string{"", "tablet/"} {
		copyTo(t, one, filepath.Join(f.dir, "inbox", folder, "film.mkv"))
		put(folder+"film.mkv.distenc.toml", "again = true\n")
		put(folder+"film.de.srt", "film")
		put(folder+"films.srt", "no film's")
		put(folder+"notes.txt", "nobody's")
	}
	put("alone/x.srt", "alone")
	put("alone/cover.jpg", "alone")
	return stem
}

func (f *farm) releaseCameOut(t *testing.T, stem string) {
	t.Helper()
	var out []string
	for _, name := range tree(t, filepath.Join(f.dir, "outbox")) {
		if strings.HasPrefix(name, "Show/Show - 01 [") {
			require.False(t, strings.HasPrefix(name, "Show/"+stem), "%s has the output's own CRC", name)
			name = "Show/NEW" + name[len("Show/"+stem):]
		}
		out = append(out, name)
	}
	slices.Sort(out)
	require.Equal(t, []string{
		"Season/e1 (2).srt: one", "Season/e1.mkv", "Season/e1.srt: another's", "Season/e2.en.srt: two", "Season/e2.mkv",
		"Season/season.nfo: season",
		"Show/NEW-thumb.jpg: own -thumb.jpg", "Show/NEW.ass: own .ass", "Show/NEW.en.srt: own .en.srt",
		"Show/NEW.idx: own .idx",
		"Show/NEW.mka: own .mka", "Show/NEW.mkv", "Show/NEW.sub: own .sub", "Show/README.TXT: text", "Show/movie.nfo: nfo",
		"Show/poster.jpg: poster",
		"film.de.srt: film", "film.mkv", "tablet/film.de.srt: film", "tablet/film.mkv",
	}, out)
	require.Equal(t, []string{
		"Show/fifo.txt", "Show/link.srt", "alone/cover.jpg: alone", "alone/x.srt: alone", "films.srt: no film's",
		"notes.txt: nobody's",
		"tablet/films.srt: no film's", "tablet/notes.txt: nobody's",
	}, tree(t, filepath.Join(f.dir, "inbox")))
	require.Empty(t, tree(t, filepath.Join(f.dir, "failed")))
	s := f.status()
	require.Len(t, s.Jobs, 5)
	said := map[string]string{}
	for _, w := range s.Inbox {
		said[w.Name] = w.Why
	}
	require.Contains(t, said["alone/x.srt"], "there is none in its folder")
	require.Contains(t, said["notes.txt"], "none in its folder has a name that its own begins with")
	require.Contains(t, said["Show/link.srt"], "it is a symbolic link")
	reports, err := exec.Command("grep", "-rl", "poster.jpg", filepath.Join(f.dir, "jobs"),
		"--include=report.txt").Output()
	require.NoError(t, err, "no report tells of the poster")
	require.Equal(t, 1, strings.Count(string(reports), "\n"))
}

const releaseProfiles = "[profiles.default]\nx264 = \"--preset ultrafast\"\n[profiles.tablet]\nx264 = \"--preset " +
	"ultrafast\"\n"

// What lies beside a film follows it into the same folder of the outbox and is neither encoded nor rejected; without a
// film it is left alone, and keeps nobody waiting.
func TestCompanionsFollowTheirFilms(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+releaseProfiles)
	stem := release(t, f)
	require.Contains(t, f.must("status"), "alone/x.srt  it goes with a film of its folder", "no master has said more yet")
	f.must("run", "--until-idle", "--slots", "1")
	f.releaseCameOut(t, stem)
	f.must("run", "--until-idle", "--slots", "1")
	f.releaseCameOut(t, stem)
}

// Another user's files may not be linked: they are copied, and leave the inbox all the same.
func TestCompanionsOfAnotherUserFollowToo(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be several users")
	}
	f := newFarm(t, calmTerms+releaseProfiles)
	for _, dir := range []string{filepath.Dir(binary), filepath.Dir(f.dir), filepath.Dir(filepath.Dir(f.dir))} {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	stem := release(t, f)
	require.NoError(t, exec.Command("sh", "-c", "cd "+f.dir+" && chown -R 870:870 . && find . -type d -exec chmod 2775 "+
		"{} + ; "+
		"find inbox -type f -exec chown 1001:870 {} + -exec chmod 644 {} +").Run())
	run := f.prepare("run", "--until-idle", "--slots", "1")
	run.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 870, Gid: 870}}
	f.launch(run)
	<-run.ended
	require.Zero(t, run.ProcessState.ExitCode())
	f.releaseCameOut(t, stem)
}

// A master that is killed at any moment has lost nothing of it, and its successor makes nothing twice.
func TestCompanionsOutliveTheirMaster(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+releaseProfiles)
	stem := release(t, f)
	for _, published := range []int{1, 3, 5} {
		d := f.start("run", "--slots", "1")
		f.eventually("outputs", func() bool {
			names, err := filepath.Glob(filepath.Join(f.dir, "jobs", "*", "published"))
			return err == nil && len(names) >= published
		})
		d.kill()
	}
	last := f.start("run", "--until-idle", "--slots", "1")
	<-last.ended
	require.Zero(t, last.ProcessState.ExitCode())
	f.releaseCameOut(t, stem)
}
