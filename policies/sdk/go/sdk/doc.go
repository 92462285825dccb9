// Package ansai is the SDK for policies in Go: settings, observations, decisions, advice and hysteresis, on top of the
// bindings of the host's functions.
//
// A policy is the package at the root of its module and has two functions:
//
//	func Detect() ([]ansai.Observation, error)
//	func Plan(finding ansai.Observation) (ansai.Decision, error)
//
// The host's interfaces are packages of the module ansai/bindings, which `ansai build` generates from the capabilities in
// policy.toml: `list-filesystems` in `ansai:disk/disk-probe` is ListFilesystems in ansai/bindings/ansai_disk_disk_probe.
// What every policy knows without a capability is in ansai/bindings/ansai_policy_context: the time, attempts, targets,
// labels.
//
// Each call has its own instance, which is discarded afterwards. There is no operating system: no files, no network, no
// environment. The clock of the package time starts in 1970 and advances only when it is read or waited for; read the
// real time from ansai/bindings/ansai_policy_context. Random numbers are the same in every call. Goroutines work, but
// none of them runs during a call of the host.
package ansai
