module {{name}}

go 1.24

// What `ansai build` generates of the capabilities in policy.toml.
require ansai/bindings v0.0.0

replace ansai/bindings => ./target/bindings
