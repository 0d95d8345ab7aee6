// Command judge says what others make of objects: kstatus, our health check for Argo CD and our health expressions for Flux.
//
//	judge ARGOCD_CM.yaml FLUX_KUSTOMIZATION.yaml < OBJECTS.jsonl
//
// For each object, a JSON document a line, it prints {"kstatus", "argocd", "flux"}, each with a status and a message.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The longest object: that of etcd.
const longest = 2 << 20

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

type verdicts struct {
	Kstatus verdict `json:"kstatus"`
	Argocd  verdict `json:"argocd"`
	Flux    verdict `json:"flux"`
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: judge ARGOCD_CM.yaml FLUX_KUSTOMIZATION.yaml < OBJECTS.jsonl"))
	}
	argocd, err := readArgocd(os.Args[1])
	fail(err)
	flux, err := readFlux(os.Args[2])
	fail(err)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, longest), longest)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		// As the API server's clients read it: whole numbers as such.
		object := &unstructured.Unstructured{}
		fail(object.UnmarshalJSON(lines.Bytes()))
		var answer verdicts
		answer.Kstatus, err = kstatus(object)
		fail(err)
		answer.Argocd, err = argocd.judge(object)
		fail(err)
		answer.Flux, err = flux.judge(object)
		fail(err)
		fail(answers.Encode(answer))
	}
	fail(lines.Err())
}

func kstatus(object *unstructured.Unstructured) (verdict, error) {
	result, err := status.Compute(object)
	if err != nil {
		return verdict{}, err
	}
	return verdict{Status: string(result.Status), Message: result.Message}, nil
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
