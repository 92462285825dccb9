// Package ansai is what a policy in Go is written with: settings, observations, decisions and hysteresis, over the
// bindings of the host's functions.
//
// A policy is the package at the root of its module and has two functions:
//
//	func Detect() ([]ansai.Observation, error)
//	func Plan(finding ansai.Observation) (ansai.Decision, error)
//
// The host's interfaces are packages of the module ansai/bindings, which `ansai build` generates from the capabilities in
// policy.toml: `list-filesystems` in `ansai:disk/disk-probe` is ListFilesystems in ansai/bindings/ansai_disk_disk_probe.
//
// Each call has an instance of its own, which is thrown away afterwards. There is no operating system below: no files, no
// network, no environment. For the package time it is 1970, and it passes only when it is looked at or waited for; what
// time it is, ansai/bindings/ansai_policy_context says. Random numbers are the same in every call. Goroutines work, but
// while the host is called none of them runs.
package ansai
