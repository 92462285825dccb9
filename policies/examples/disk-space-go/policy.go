// Package policy removes old temporary files when a file system is full.
package policy

import (
	"fmt"

	ansai "disk-space-go/sdk"

	"ansai/bindings/ansai_disk_disk_probe"
	"ansai/bindings/ansai_files_files_actions"
	"ansai/bindings/ansai_policy_context"
)

// An incident ends this many percentage points below the warning threshold.
const rearmPoints = 5

type settings struct {
	WarningPercent  float64 `json:"warning_percent"`
	CriticalPercent float64 `json:"critical_percent"`
	Directory       string  `json:"directory"`
	MinAgeHours     uint32  `json:"min_age_hours"`
}

func readSettings() (settings, error) {
	var read settings
	err := ansai.Settings(&read)
	return read, err
}

// Detect observes each local, writable file system.
func Detect() ([]ansai.Observation, error) {
	settings, err := readSettings()
	if err != nil {
		return nil, err
	}
	filesystems, err := ansai.Answer(ansai_disk_disk_probe.ListFilesystems())
	if err != nil {
		return nil, ansai.CouldNotTell("the file systems could not be listed: %v", err)
	}
	var found []ansai.Observation
	for _, filesystem := range filesystems.Entries {
		if filesystem.ReadOnly || filesystem.Remote {
			continue
		}
		if used, ok := usedShare(filesystem); ok {
			found = append(found, observe(filesystem, used, settings))
		}
	}
	return append(found, unmounted(filesystems)...), nil
}

// unmounted closes the incidents of file systems that are no longer mounted. An incomplete list does not prove that.
func unmounted(filesystems ansai_disk_disk_probe.Filesystems) (gone []ansai.Observation) {
	if filesystems.Skipped > 0 {
		return nil
	}
	mounted := map[string]bool{}
	for _, filesystem := range filesystems.Entries {
		mounted[filesystem.Mount] = true
	}
	for _, incident := range ansai_policy_context.OpenIncidents() {
		if !mounted[incident.Key] {
			gone = append(gone, ansai.Observation{
				Key:     incident.Key,
				About:   incident.About,
				Status:  ansai.Gone(),
				Summary: fmt.Sprintf("%s is no longer mounted", incident.Key),
			})
		}
	}
	return gone
}

// usedShare returns the used share of what an unprivileged process can have; false if that is nothing.
func usedShare(filesystem ansai_disk_disk_probe.Filesystem) (float64, bool) {
	if filesystem.TotalBytes <= filesystem.ReservedBytes {
		return 0, false
	}
	usable := filesystem.TotalBytes - filesystem.ReservedBytes
	used := usable - min(filesystem.AvailableBytes, usable)
	return float64(used) / float64(usable), true
}

func observe(filesystem ansai_disk_disk_probe.Filesystem, used float64, settings settings) ansai.Observation {
	percent := used * 100
	status := ansai.Healthy()
	switch {
	case percent >= settings.CriticalPercent:
		status = ansai.Unhealthy(ansai.Critical)
	case percent >= ansai.Rearmed(settings.WarningPercent, rearmPoints, filesystem.Mount):
		status = ansai.Unhealthy(ansai.Warning)
	}
	return ansai.Observation{
		Key:     filesystem.Mount,
		About:   filesystem.About,
		Status:  status,
		Summary: fmt.Sprintf("%s is %s full", filesystem.Mount, ansai.Percent(used)),
		Evidence: []ansai.Measure{
			ansai.Number("used", used, ansai.Ratio),
			ansai.Count("available", filesystem.AvailableBytes, ansai.Bytes),
		},
	}
}

// Plan proposes once to remove old files.
func Plan(finding ansai.Observation) (ansai.Decision, error) {
	settings, err := readSettings()
	if err != nil {
		return ansai.Decision{}, err
	}
	if len(ansai_policy_context.Attempts()) > 0 {
		return ansai.GiveUp(fmt.Sprintf("removing old temporary files did not bring %s down", finding.Key)), nil
	}
	oldFiles := ansai_files_files_actions.Selection{
		Root:        settings.Directory,
		Globs:       []string{"**"},
		MinAgeHours: settings.MinAgeHours,
	}
	preview, err := ansai.Answer(ansai_files_files_actions.Remove(oldFiles, finding.Summary))
	if err != nil {
		return ansai.GiveUp(fmt.Sprintf("old files in %s cannot be removed: %v", settings.Directory, err)), nil
	}
	if preview.Items == 0 {
		return ansai.Recommend(ansai.Recommendation{
			Summary: fmt.Sprintf("make %s larger", finding.Key),
			Detail:  fmt.Sprintf("nothing old is left in %s", settings.Directory),
		}), nil
	}
	return ansai.Apply(ansai.Stop), nil
}
