func Detect() ([]ansai.Observation, error) {
	settings, err := readSettings()
	if err != nil {
		return nil, err
	}
	bad, zero := "a\xffb", 0.0
	one := ansai.Observation{Key: "k", About: ansai.Host(), Status: ansai.Healthy()}
	switch settings.Directory {
	case "/panic":
		panic(bad)
	case "/summary":
		one.Summary = bad
	case "/evidence":
		one.Evidence = []ansai.Measure{ansai.Text("a", "b"), ansai.Text("c", bad)}
	case "/status":
		one.Status = ansai.Unknown(bad)
	case "/number":
		one.Evidence = []ansai.Measure{ansai.Number("a", zero/zero, ansai.None)}
	case "/distance":
		one.Distance = ansai.Distance(1 / zero)
	case "/failure":
		return nil, ansai.CouldNotTell("%s", bad)
	case "/error":
		return nil, fmt.Errorf("%s", bad)
	case "/argument":
		_, err := ansai.Answer(ansai_files_files_actions.Remove(ansai_files_files_actions.Selection{Root: bad}, "a"))
		return nil, err
	}
	return []ansai.Observation{one}, nil
}
