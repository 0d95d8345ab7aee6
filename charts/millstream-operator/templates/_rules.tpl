{{/*
What the operator calls in the namespaces of jobs, and no more: tests/chart runs it with these rights and compares them with the audit
log of the API server. Objects are brought by server-side apply, for which the API server asks for both patch and create.
*/}}
{{- define "millstream.rules" -}}
- apiGroups: [millstream.dev]
  resources: [streamjobs]
  # One is asked for by name where an operator looks after a part of the jobs: a snapshot's job may be another one's.
  verbs: [get, list, watch, patch]
- apiGroups: [millstream.dev]
  resources: [streamjobs/status]
  verbs: [update]
- apiGroups: [millstream.dev]
  # Asked for where owners that block deletion are checked, as on OpenShift.
  resources: [streamjobs/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [services, pods]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [millstream.dev]
  resources: [streamsnapshots]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [millstream.dev]
  resources: [streamsnapshots/status]
  verbs: [patch]
- apiGroups: [millstream.dev]
  resources: [streamsnapshots/finalizers]
  verbs: [update]
- apiGroups: [""]
  # Keys of jobs are written and never read.
  resources: [secrets]
  verbs: [create, update]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* What it calls in its own namespace. */}}
{{- define "millstream.ownRules" -}}
{{- if .Values.leaderElection.enabled -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "millstream.lease" . }}]
  verbs: [get, patch]
{{ end -}}
{{- if and .Values.tls.enabled .Values.tls.create -}}
- apiGroups: [""]
  # Its own certificate, when there is none.
  resources: [secrets]
  verbs: [create]
{{- end -}}
{{- end -}}
