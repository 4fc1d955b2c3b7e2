// Command site is a Kubernetes control plane with simulated nodes, in one binary.
//
// The first argument names the part that this process is:
//
//	site etcd | kube-apiserver | kube-controller-manager | kube-scheduler   the real programs
//	site kwok                                                               kwok, which plays the kubelets
//	site stages                                                             print what kwok is to play
//	site version                                                            print the versions of all parts as JSON
//
// All further arguments are the part's own.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	etcdversion "go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/version"
	k8sversion "k8s.io/component-base/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kwokconsts "sigs.k8s.io/kwok/pkg/consts"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: site etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kwok|stages|version [arguments]")
	}
	part := os.Args[1]
	// Each part reads os.Args itself and takes its own name from the first.
	os.Args = append([]string{part}, os.Args[2:]...)
	switch part {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kwok":
		if err := runKwok(); err != nil {
			fail(err.Error())
		}
	case "stages":
		if err := printStages(os.Stdout, os.Args[1:]); err != nil {
			fail(err.Error())
		}
	case "version":
		_ = json.NewEncoder(os.Stdout).Encode(map[string]string{
			"etcd":       "v" + etcdversion.Version,
			"kubernetes": k8sversion.Get().GitVersion,
			"kwok":       "v" + kwokconsts.Version,
		})
	default:
		fail(fmt.Sprintf("site: no part is called %q", part))
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
