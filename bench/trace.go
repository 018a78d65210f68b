package main

import "context"

func traceRow(ctx context.Context, o options) ([]result, error) { return nil, nil }
