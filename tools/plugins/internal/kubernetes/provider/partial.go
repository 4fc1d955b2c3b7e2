package provider

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"kubefate-pulumi/tools/plugins/internal/kubernetes/await"
)

// partial reports an operation that did not reach its end. The engine saves the state all the same, and the resource
// is updated again next time.
func partial(id string, err error, state, inputs *structpb.Struct) error {
	reasons := []string{err.Error()}
	if failure, ok := await.AsFailure(err); ok {
		reasons = append(reasons, failure.Reasons...)
	}
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, err.Error()), &pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: state, Reasons: reasons, Inputs: inputs,
	})
}
