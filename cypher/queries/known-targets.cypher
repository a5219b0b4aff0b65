// name: known-targets
// topic: Genes of a drug
// about: The known targets of a drug and their ranks in the run's attention to targets; no rank if the edge is not kept.
// param drug: drug, name, alias or id
// param run: run, run id; default the promoted run
// columns: gene string, action string, source string, rank integer, weight float, excess float
MATCH (d:Drug {id: $drug})-[t:TARGETS]->(g:Gene)
OPTIONAL MATCH (d)-[a:ATTENDS]->(g)
WHERE a.run_id = $run AND a.objective = 'target'
RETURN DISTINCT g.id AS gene, t.action AS action, t.source AS source, a.rank AS rank, a.weight AS weight,
       a.excess AS excess
ORDER BY gene, action, source
